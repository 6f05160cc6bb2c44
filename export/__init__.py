"""Exports a trained model to the .onnx files that `realtime` plays."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
