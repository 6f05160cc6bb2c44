"""The exception of this package; its message is the one line that the user sees."""

from __future__ import annotations


class ExportError(Exception):
    """A run cannot be exported. The message is one line: the mistake and the accepted values."""
