"""The decoder: runs a decoder file with ONNX Runtime, for complete sounds or for streams of several voices.

`Decoder.decode` decodes complete sounds. `Decoder.step` streams: each voice has a slot, and a call of `step`
decodes the next frames of several slots. The caches of a slot contain the values that the layers keep from
earlier frames. On a CPU, the caches are not copied: ONNX Runtime reads and writes the same arrays, which are
bound once for each shape. This is safe because each graph that `export` makes writes a new cache only after
reading all that it needs of the old cache.
"""

from __future__ import annotations

import copy
import importlib.resources
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from realtime.model import schema, verify
from realtime.model.providers import PROVIDERS, one_line, open_session
from realtime.util.errors import ModelError

Floats = npt.NDArray[np.float32]

PIECE_FRAMES = 32  # frames per call in `decode`: the data of a layer then fits a core's cache


def bundled() -> list[str]:
    """Return the names of the models that come with the package."""
    folder = importlib.resources.files("realtime") / "bundled"
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted(
        n[: -len(".onnx")] for n in names if n.endswith(".onnx") and not n.endswith(".encoder.onnx")
    )


def resolve(model: str) -> Path:
    """Return the path of a model file, given its path or the name of a bundled model.

    Raises:
        ModelError: there is no file or bundled model of that name.
    """
    path = Path(model)
    if path.is_file():
        return path
    if model in bundled():
        return Path(str(importlib.resources.files("realtime") / "bundled" / f"{model}.onnx"))
    names = ", ".join(bundled()) or "none"
    raise ModelError(f"no model file {model!r}; give a path or the name of a bundled model ({names})")


@dataclass
class _Binding:
    """The arrays of the decoder, bound for one shape of `step`; running the session fills `audio`."""

    io: Any
    z: Floats
    frame: npt.NDArray[np.int64]
    audio: Floats


@dataclass
class StreamState:
    """The state of one voice's stream, which `Decoder.save` copies from a slot and `Decoder.load` restores.

    Attributes:
        caches: float32 [rows, columns] each, in the order of the model's caches.
        frame: index of the next frame.
    """

    caches: tuple[Floats, ...]
    frame: int

    @property
    def nbytes(self) -> int:
        """Memory used by the caches, in bytes."""
        return sum(cache.nbytes for cache in self.caches)


class Decoder:
    """A loaded decoder file.

    Args:
        path: path of the .onnx file.
        capacity: number of slots for voices that stream at the same time.
        max_frames: maximum number of frames by which a voice can advance in one step.
        threads: number of ONNX Runtime threads per call.
        provider: "cpu", "cuda", or "auto": the available provider with the lowest `providers.step_p99_s`.
        file: result of `verify.read(path)`, if the file has been read already.

    Attributes:
        info: metadata of the file.
        provider: name of the ONNX Runtime provider in use.
        frame: int64 [capacity], index of the next frame of each slot.

    Raises:
        ModelError: the file is not a valid decoder.
        RealtimeError: ONNX Runtime or the requested provider is missing.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        capacity: int = 8,
        max_frames: int = 64,
        threads: int = 1,
        provider: str = "auto",
        file: verify.ModelFile | None = None,
    ) -> None:
        self.path = Path(path)
        file = file or verify.read(self.path)
        self.info, self._caches = file.info, file.caches
        self._session = open_session(file, self.path, threads, provider)
        self.provider: str = self._session.get_providers()[0]
        on_cpu = self.provider == PROVIDERS["cpu"]
        self._piece_frames = PIECE_FRAMES if on_cpu else self.info.frames  # a call to a GPU is expensive
        self._allocate(capacity, max_frames)
        self._trial()

    def _allocate(self, capacity: int, max_frames: int) -> None:
        self.capacity, self.max_frames = capacity, max_frames
        self._slots = [np.zeros((capacity, *shape), np.float32) for shape in self._caches.values()]
        self.frame = np.zeros(capacity, np.int64)
        self._bindings: dict[tuple[int, int], _Binding] = {}

    def sibling(self, capacity: int = 1, max_frames: int | None = None) -> Decoder:
        """Return a decoder with the same session and its own slots, for use on another thread."""
        other = copy.copy(self)
        other._allocate(capacity, max_frames or self.max_frames)
        return other

    def decode(self, z: npt.ArrayLike, frames: int | None = None) -> Floats:
        """Decode complete sounds, or their first frames, without using the slots; callable from any thread.

        This allocates memory and must therefore not run on the audio path.

        Args:
            z: positions in the latent space: [voices, latent_dim], or with a position for each frame,
                [voices, info.frames, latent_dim].
            frames: number of frames to decode; by default, all.

        Returns:
            float32 [voices, frames * hop_length].

        Raises:
            ValueError: z has a different shape.
        """
        points = np.asarray(z, np.float32)
        if points.ndim == 2:
            points = np.repeat(points[:, None], self.info.frames, axis=1)
        wanted = (self.info.frames, self.info.latent_dim)
        if points.ndim != 3 or points.shape[1:] != wanted:
            raise ValueError(
                f"z has shape {np.shape(z)}, not [voices, {wanted[1]}] or [voices, {wanted[0]}, {wanted[1]}]"
            )
        caches = [np.zeros((len(points), *shape), np.float32) for shape in self._caches.values()]
        outputs = [schema.AUDIO, *(f"new_{name}" for name in self._caches)]
        pieces, points = [], points[:, :frames]
        for first in range(0, points.shape[1], self._piece_frames):
            feed = {
                schema.Z: points[:, first : first + self._piece_frames],
                schema.FRAME: np.full(len(points), first),
                **dict(zip(self._caches, caches, strict=True)),
            }
            audio, *caches = self._session.run(outputs, feed)
            pieces.append(audio)
        return np.concatenate(pieces, axis=1)

    def reset(self, slot: int) -> None:
        """Reset a slot to frame 0. Does not allocate."""
        for cache in self._slots:
            cache[slot].fill(0.0)
        self.frame[slot] = 0

    def move(self, source: int, target: int) -> None:
        """Copy the stream of slot `source` to slot `target`. Does not allocate."""
        for cache in self._slots:
            cache[target] = cache[source]
        self.frame[target] = self.frame[source]

    def save(self, slot: int, into: StreamState | None = None) -> StreamState:
        """Save the state of a slot; `load` can restore it to any slot, any number of times.

        Args:
            slot: the slot to save.
            into: an earlier result of `save` to overwrite, which avoids an allocation.

        Returns:
            `into`, or a new state.
        """
        if into is None:
            into = StreamState(tuple(np.empty_like(cache[slot]) for cache in self._slots), 0)
        for kept, cache in zip(into.caches, self._slots, strict=True):
            np.copyto(kept, cache[slot])
        into.frame = int(self.frame[slot])
        return into

    def load(self, slot: int, state: StreamState) -> None:
        """Restore a slot from a state that was saved by this decoder or by another decoder of the same file.

        Does not allocate.

        Raises:
            ValueError: the state belongs to a different model.
        """
        if [kept.shape for kept in state.caches] != [cache.shape[1:] for cache in self._slots]:
            raise ValueError("the state belongs to a different model")
        for kept, cache in zip(state.caches, self._slots, strict=True):
            np.copyto(cache[slot], kept)
        self.frame[slot] = state.frame

    def swap(self, one: int, other: int) -> None:
        """Exchange the streams of two slots. Allocates."""
        for cache in self._slots:
            cache[[one, other]] = cache[[other, one]]
        self.frame[[one, other]] = self.frame[[other, one]]

    def take(self, slot: int, other: Decoder, source: int) -> None:
        """Copy slot `source` of `other`, a sibling, to slot `slot` of this decoder. Does not allocate."""
        for cache, theirs in zip(self._slots, other._slots, strict=True):
            cache[slot] = theirs[source]
        self.frame[slot] = other.frame[source]

    def step(self, z: Floats) -> Floats:
        """Advance slots 0 … voices-1 by the same number of frames.

        Allocates only on the first step of each shape.

        Args:
            z: positions in the latent space, float32 [voices, frames, latent_dim]; voices ≤ capacity,
                frames ≤ max_frames.

        Returns:
            float32 [voices, frames * hop_length], valid until the next step of the same shape.

        Raises:
            ValueError: the step exceeds the end of a sound, the capacity or `max_frames`.
        """
        voices, frames = z.shape[0], z.shape[1]
        binding = self._bindings.get((voices, frames)) or self._bind(voices, frames)
        next_frame = self.frame[:voices]
        if int(next_frame.max()) + frames > self.info.frames:
            raise ValueError(
                f"frames {int(next_frame.max())}+{frames} exceed the sound of {self.info.frames} frames"
            )
        np.copyto(binding.z, z)
        np.copyto(binding.frame, next_frame)
        self._session.run_with_iobinding(binding.io)
        next_frame += frames
        return binding.audio

    def _bind(self, voices: int, frames: int) -> _Binding:
        if not 1 <= voices <= self.capacity or not 1 <= frames <= self.max_frames:
            raise ValueError(
                f"step of {voices} voices × {frames} frames: the limit is {self.capacity} × {self.max_frames}"
            )
        z = np.zeros((voices, frames, self.info.latent_dim), np.float32)
        frame = np.zeros(voices, np.int64)
        audio = np.zeros((voices, frames * self.info.hop_length), np.float32)
        io = self._session.io_binding()
        io.bind_input(schema.Z, "cpu", 0, np.float32, z.shape, z.ctypes.data)
        io.bind_input(schema.FRAME, "cpu", 0, np.int64, frame.shape, frame.ctypes.data)
        io.bind_output(schema.AUDIO, "cpu", 0, np.float32, audio.shape, audio.ctypes.data)
        for name, slots in zip(self._caches, self._slots, strict=True):
            used = slots[:voices]
            io.bind_input(name, "cpu", 0, np.float32, used.shape, used.ctypes.data)
            io.bind_output(f"new_{name}", "cpu", 0, np.float32, used.shape, used.ctypes.data)
        return self._bindings.setdefault((voices, frames), _Binding(io, z, frame, audio))

    def _trial(self) -> None:
        """Decode the first and last frame, to refuse a broken file on load."""
        z = np.asarray(self.info.latent.mean, np.float32)[None, None]
        try:
            for frame in (0, self.info.frames - 1):
                self.frame[0] = frame
                audio = self.step(z)
                if not np.isfinite(audio).all():
                    raise ModelError(f"{self.path}: decodes to NaN")
        except ModelError:
            raise
        except Exception as error:  # onnxruntime's exceptions have no common base class
            raise ModelError(f"{self.path}: does not decode: {one_line(error)}") from error
        self.reset(0)
