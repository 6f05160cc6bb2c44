"""Sequences and logged performances, rendered to sound files and pictures."""
