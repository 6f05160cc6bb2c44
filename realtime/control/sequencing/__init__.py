"""The sequencer as clients see it: patterns, edits, their addresses and replies."""
