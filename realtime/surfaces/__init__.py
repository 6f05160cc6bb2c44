"""Ways to play besides OSC: MIDI and OSCQuery."""
