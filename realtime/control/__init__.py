"""From messages to commands: the OSC server, its table of addresses, replies, presets and access rules."""
