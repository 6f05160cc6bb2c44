"""Benchmarks, one command each: `python -m bench.NAME [--json]`. Compare the ratios, not the times."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
