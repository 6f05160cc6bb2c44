"""Benchmarks: `python -m bench.NAME [--json]`, each in one command; read the ratios, not the times."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
