"""Train sound-morphing models: from a folder of sounds to a checkpoint."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
