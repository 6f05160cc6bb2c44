"""The performance side of soundmorph: plays a trained model live, or renders sound files with it.

In the server, OSC messages pass from the package `control` through `live` to `synth`, which decodes sounds
with `model`; blocks of samples pass back through `live` to `audio`. When a file is rendered, `offline` takes
the place of `control`, `live` and `audio`.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
