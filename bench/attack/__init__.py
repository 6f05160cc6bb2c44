"""An attack on the server, and the table of what became of it: `python -m bench.attack`."""
