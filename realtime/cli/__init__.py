"""The commands of `realtime`, one module each."""
