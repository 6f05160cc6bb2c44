"""The stage: OSC in, sound out.

A datagram's way: `osc` → `control` → `stream.Engine` → `mixer` {`voice`} → `decoder` → `stream` (sound card)
or `render` (file).
"""
