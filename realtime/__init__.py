"""The stage: OSC in, sound out.

Messages pass from `control` through `live` to `synth`, which decodes with `model`; blocks of sound pass back
through `live` to `audio`. For a rendered file, `offline` takes the place of `control`, `live` and `audio`.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
