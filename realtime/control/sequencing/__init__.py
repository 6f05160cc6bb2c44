"""The sequencer's control side: edits of patterns, their OSC addresses and replies."""
