"""The encoder that lies beside a decoder: a sound becomes a point z, without PyTorch.

Not for the audio path: it allocates, and takes about as long as decoding a whole sound.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from realtime.model import schema, verify
from realtime.model.preprocess import MAX_MINUTES, prepare
from realtime.model.providers import one_line, open_on_cpu
from realtime.model.schema import ModelInfo, Vector
from realtime.util.errors import ModelError, RealtimeError

SUFFIX = ".encoder.onnx"


def encoder_path(decoder: Path) -> Path:
    """Where the encoder of a decoder file lies: drums.onnx -> drums.encoder.onnx."""
    return decoder.with_name(decoder.name.removesuffix(".onnx") + SUFFIX)


class Encoder:
    """An encoder file, ready to hear.

    Args:
        path: of the .encoder.onnx file.
        info: of the decoder that shall play the points; where given, the two must be of one export.

    Attributes:
        info: what the file says of itself.

    Raises:
        ModelError: for a file that is not an encoder of ours, or not that of this decoder.
        RealtimeError: where the runtime is missing.
    """

    def __init__(self, path: str | Path, info: ModelInfo | None = None) -> None:
        self.path = Path(path)
        if info is not None and not self.path.is_file():
            raise ModelError(
                f"model {info.name!r} has no encoder: {self.path.name} is not beside it; "
                "`trainer export` writes both"
            )
        file = verify.read_encoder(self.path)
        self.info = file.info
        if info is not None and self.info.decoder != info.digest:
            raise ModelError(f"{self.path}: the encoder of another decoder; export both again")
        self._session = open_on_cpu(file.model, self.path)
        sound = np.zeros((1, self.info.preparation.length), np.float32)
        sound[0, 0] = 1.0
        try:
            self._mean(sound)
        except RealtimeError:
            raise
        except Exception as error:  # onnxruntime's exceptions share no base
            raise ModelError(f"{self.path}: does not encode: {one_line(error)}") from error

    def encode(self, samples: npt.ArrayLike, sample_rate: int) -> Vector:
        """The point of a sound: latent_dim numbers.

        Args:
            samples: [samples] or [samples, channels]; prepared here as for training.
            sample_rate: of the samples, in Hz.

        Raises:
            RealtimeError: where there is nothing to hear.
        """
        return self._mean(prepare(samples, sample_rate, self.info.preparation)[None])

    def encode_file(self, path: str | Path) -> Vector:
        """The point of a sound file, of any format that libsndfile reads.

        Raises:
            RealtimeError: where it cannot be read, or there is nothing to hear.
        """
        import soundfile

        try:
            with soundfile.SoundFile(path) as file:
                rate = file.samplerate
                limit = int((60 * MAX_MINUTES + 1) * rate)  # one second more is refused below
                samples = file.read(limit, dtype="float32", always_2d=True)
        except Exception as error:  # soundfile raises what it likes
            reason = getattr(error, "error_string", "") or one_line(error)
            raise RealtimeError(f"{path}: cannot be read: {reason.rstrip('.')}") from None
        try:
            return self.encode(samples, rate)
        except RealtimeError as error:
            raise RealtimeError(f"{path}: {error}") from None

    def _mean(self, sound: npt.NDArray[np.float32]) -> Vector:
        z = self._session.run([schema.Z], {schema.SOUND: sound})[0]
        if not np.isfinite(z).all():
            raise ModelError(f"{self.path}: encodes to NaN")
        return tuple(float(value) for value in z[0])
