"""The drum sequencer as messages control it: edits of patterns, OSC addresses and replies."""
