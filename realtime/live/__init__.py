"""The real-time engine, the process that runs it, and the supervisor of that process."""
