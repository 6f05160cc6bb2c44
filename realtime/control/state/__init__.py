"""The state that messages change: settings, the point, undo, and the commands for a restarted engine."""
