"""An attack on the server, and a table of its outcome: `python -m bench.attack`."""
