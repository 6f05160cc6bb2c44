"""Attacks on the server, and a table of their outcomes: `python -m bench.attack`."""
