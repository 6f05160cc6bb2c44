"""Errors that the user can correct. The message is the one line that the user sees."""

from __future__ import annotations


class TrainerError(Exception):
    """Base of all errors of this package."""


class ConfigError(TrainerError):
    """A key or value of a configuration is not accepted."""


class DataError(TrainerError):
    """A folder of sounds or its manifest cannot be used."""


class CheckpointError(TrainerError):
    """A checkpoint is missing or damaged, or cannot be used here."""


class DivergedError(TrainerError):
    """A loss or an output of the model is not finite."""


def printable(name: str) -> str:
    """Return a name for a one-line message, with unprintable characters such as line breaks escaped."""
    return name if name.isprintable() else repr(name)
