"""`python -m bench.attack`: attacks the server in several ways, and prints a table of the outcomes."""
