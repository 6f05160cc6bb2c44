"""Rules for many senders: access, limits, and the order in which they are served."""
