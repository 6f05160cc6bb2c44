"""Rules for many senders: access, limits, the order in which they are served, and delayed replies."""
