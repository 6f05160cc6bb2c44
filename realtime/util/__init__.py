"""Errors, time-outs, signals, priorities, atomic files and progress."""
