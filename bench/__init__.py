"""Benchmarks: `python -m bench.NAME [--json]`, each in one command; read the ratios, not the times."""
