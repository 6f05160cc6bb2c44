"""What can go wrong that a user can put right: the message is the one line they see."""

from __future__ import annotations


class TrainerError(Exception):
    """Base of all errors of this package."""


class ConfigError(TrainerError):
    """A key or value of a configuration that is not accepted."""


class DataError(TrainerError):
    """A folder of sounds, or its manifest, that cannot be used."""


class CheckpointError(TrainerError):
    """A checkpoint that is missing, damaged or of another kind."""


class DivergedError(TrainerError):
    """A loss that is no longer a number."""
