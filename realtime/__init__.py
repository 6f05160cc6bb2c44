"""The stage: OSC in, sound out.

The path of a datagram: `control` → `live` → `synth`, which calls `model` → `audio` (sound card). `offline`
takes the place of `control`, `live` and `audio` when a file is rendered.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
