"""OSC control: the server, its table of addresses, the dispatcher, replies, presets and access rules."""
