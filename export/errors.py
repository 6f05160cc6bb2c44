"""The exception that this package raises for errors of the user."""

from __future__ import annotations


class ExportError(Exception):
    """A model cannot be exported. The message, one line, tells the user the error and what is accepted."""
