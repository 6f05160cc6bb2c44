"""The real-time engine, the worker process that runs it, and the supervisor of that process."""
