"""The encoder of a model: converts a sound to a point z, a position in the latent space.

Encoding allocates and takes about as long as decoding a complete sound. Therefore, it must not run on the
audio path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from realtime.model import schema, verify
from realtime.model.preprocess import prepare, prepare_mixed
from realtime.model.providers import one_line, open_on_cpu
from realtime.model.schema import Vector
from realtime.util import outside
from realtime.util.errors import ModelError, RealtimeError

SUFFIX = ".encoder.onnx"
MAX_MINUTES = 10.0
"""Maximum duration of a recording: a model plays single hits, and hours of sound would fill the memory."""
MAX_SAMPLES = 2**26
"""Maximum number of samples read from a channel, at any stated rate: more than `MAX_MINUTES` at 96 kHz."""
PIECE = 2**16  # number of samples read at a time
_TOO_LONG = f"the sound is too long: at most {MAX_MINUTES:g} minutes are accepted"


def encoder_path(decoder: Path) -> Path:
    """Return the path of the encoder that belongs to a decoder: drums.onnx -> drums.encoder.onnx."""
    return decoder.with_name(decoder.name.removesuffix(".onnx") + SUFFIX)


class Owner(Protocol):
    """The name and digest of the decoder that belongs to an encoder; `ModelInfo` has both."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...


class Encoder:
    """A loaded encoder file.

    Args:
        path: path of the .encoder.onnx file.
        info: name and digest of the decoder that will play the points. If given, the encoder must have been
            exported together with this decoder.

    Attributes:
        info: metadata of the file.

    Raises:
        ModelError: the file is missing, is not a valid encoder, or belongs to a different decoder.
        RealtimeError: ONNX Runtime is missing.
    """

    def __init__(self, path: str | Path, info: Owner | None = None) -> None:
        self.path = Path(path)
        if info is not None and not self.path.is_file():
            raise ModelError(
                f"model {info.name!r} has no encoder: {self.path.name} is not beside it; "
                "`trainer export` writes both files"
            )
        file = verify.read_encoder(self.path)
        self.info = file.info
        if info is not None and self.info.decoder != info.digest:
            raise ModelError(f"{self.path}: belongs to a different decoder; export both again")
        self._session = open_on_cpu(file.model, self.path)
        sound = np.zeros((1, self.info.preparation.length), np.float32)
        sound[0, 0] = 1.0
        try:
            self._mean(sound)
        except RealtimeError:
            raise
        except Exception as error:  # onnxruntime's exceptions have no common base class
            raise ModelError(f"{self.path}: does not encode: {one_line(error)}") from error

    def encode(self, samples: npt.ArrayLike, sample_rate: int) -> Vector:
        """Return the point z for a sound: latent_dim numbers.

        Args:
            samples: [samples] or [samples, channels]; they are prepared as for training.
            sample_rate: sample rate in Hz.

        Raises:
            RealtimeError: the sound is empty, silent, too short or too long.
        """
        if len(np.atleast_1d(samples)) > 60 * MAX_MINUTES * sample_rate:
            raise RealtimeError(_TOO_LONG)
        return self._mean(prepare(samples, sample_rate, self.info.preparation)[None])

    def encode_file(self, path: str | Path) -> Vector:
        """Return the point for a sound file; raise the errors of `read_file`."""
        return self.encode_prepared(self.read_file(path))

    def encode_prepared(self, sound: npt.NDArray[np.float32]) -> Vector:
        """Return the point for a prepared sound [samples]."""
        return self._mean(sound[None])

    def read_file(self, path: str | Path) -> npt.NDArray[np.float32]:
        """Read a sound file in any format that libsndfile reads; return the prepared sound: [samples].

        Raises:
            RealtimeError: the file cannot be read, or the sound cannot be encoded.
        """
        try:
            with outside.open_file(Path(path)) as file:
                return self.read_open(file.fileno())
        except OSError as error:
            raise RealtimeError(f"{path}: cannot be read: {error.strerror or error}") from None
        except RealtimeError as error:
            raise RealtimeError(f"{path}: {error}") from None

    def read_open(self, number: int) -> npt.NDArray[np.float32]:
        """Read an open sound file in pieces; return the prepared sound: [samples].

        Args:
            number: file descriptor.

        Raises:
            RealtimeError: as for `read_file`.
        """
        import soundfile

        mixed, first = [], []
        try:
            with soundfile.SoundFile(number, closefd=False) as file:
                rate = file.samplerate
                left = min(int(60 * MAX_MINUTES * rate), MAX_SAMPLES)
                for piece in file.blocks(PIECE, dtype="float32", always_2d=True):
                    left -= len(piece)
                    if left < 0:
                        break
                    mixed.append(piece.astype(np.float64).mean(axis=1))
                    first.append(piece[:, 0].copy())
        except Exception as error:  # soundfile raises exceptions of many types
            reason = getattr(error, "error_string", "") or one_line(error)
            raise RealtimeError(f"cannot be read: {reason.rstrip('.')}") from None
        if left < 0:
            raise RealtimeError(_TOO_LONG)
        if not mixed:
            raise RealtimeError("the sound is empty")
        return prepare_mixed(np.concatenate(mixed), np.concatenate(first), rate, self.info.preparation)

    def _mean(self, sound: npt.NDArray[np.float32]) -> Vector:
        z = self._session.run([schema.Z], {schema.SOUND: sound})[0]
        if not np.isfinite(z).all():
            raise ModelError(f"{self.path}: encodes to NaN")
        return tuple(float(value) for value in z[0])
