"""Helpers for all packages: errors, time-outs, signals, thread priorities, atomic files and progress."""
