"""Many senders: which of them may send, how much, and in what order they are served."""
