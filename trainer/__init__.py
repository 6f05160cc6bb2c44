"""Training of sound-morphing models: a folder of sounds in, a checkpoint out."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
