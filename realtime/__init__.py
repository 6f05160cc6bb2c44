"""The stage: OSC in, sound out.

A datagram's way: `osc` → `control` → `stream.Engine` → `mixer` {`voice`} → `decoder` → `stream` (sound card)
or `render` (file).
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported, here and in child processes
