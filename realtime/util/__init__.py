"""Helpers for all packages, such as errors, time-outs, signals, thread priorities and atomic files."""
