"""Benchmarks. `python -m bench.NAME` runs a benchmark. Times depend on the machine; ratios are comparable."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
