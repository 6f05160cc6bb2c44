"""The exception that this package raises for user errors."""

from __future__ import annotations


class ExportError(Exception):
    """A model cannot be exported. The one-line message states the error and the accepted input."""
