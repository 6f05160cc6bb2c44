"""Control surfaces besides OSC, such as MIDI and OSCQuery."""
