"""Train sound-morphing models: from a folder of sounds to a checkpoint."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime reads this on import, here and in child processes
