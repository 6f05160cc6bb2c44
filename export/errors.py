"""The one exception base of the package: its message is the line the user sees."""

from __future__ import annotations


class ExportError(Exception):
    """A run that cannot be exported. The message is one line: what was wrong and what is accepted."""
