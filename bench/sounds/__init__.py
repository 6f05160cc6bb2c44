"""Functions that read, measure and compare sounds; several benchmarks use them."""
