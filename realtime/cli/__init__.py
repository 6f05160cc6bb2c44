"""The command line of `realtime`: one module a command."""
