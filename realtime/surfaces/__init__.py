"""Control surfaces other than OSC: MIDI, Ableton Link, OSCQuery, plugin hosts and the web page."""
