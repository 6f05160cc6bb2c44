"""Instruments: models loaded and warmed up in the background while another model is playing."""

from __future__ import annotations

import difflib
import gc
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from realtime.live.engine import Engine
from realtime.live.warm_up import warm_up
from realtime.model import verify
from realtime.model.decoder import Decoder, bundled, resolve
from realtime.model.errands import encode, try_out
from realtime.model.schema import ModelInfo
from realtime.model.verify import ModelFile
from realtime.synth.commands import Swap, Z
from realtime.synth.mixer import Cost, Mixer, slots_for
from realtime.synth.output import Finish
from realtime.util.errors import ControlError, RealtimeError
from realtime.util.library import Library

# Lengths of a tick that are tried; a tick is a number of latent frames that are decoded together. With a
# shorter tick, moves are heard sooner, but the decoder is called more often.
TICKS = (1, 2, 4)
SHORTEST_S = 2e-3  # minimum duration of a tick; a tick shorter than a usual block costs calls for little gain
SHARE = 0.5  # decoding a tick of all voices may take at most this fraction of the tick's duration
MODELS = (".onnx",)
SOUNDS = (".wav", ".flac", ".aif", ".aiff", ".ogg")


@dataclass(frozen=True)
class Instrument:
    """A model that is ready to play."""

    path: Path
    decoder: Decoder
    mixer: Mixer
    cost: Cost
    sha256: str
    """Checksum of the model file."""

    @property
    def info(self) -> ModelInfo:
        return self.decoder.info

    @property
    def swap(self) -> Swap:
        """The log entry for a switch to this instrument."""
        return Swap(
            str(self.path.resolve()), self.sha256, self.info.latent_dim, self.mixer.timing.chunk_frames
        )


@dataclass(frozen=True)
class Built:
    """Handle of an instrument that is ready for `Instruments.install`; another process may receive it."""

    number: int
    info: ModelInfo
    path: Path


class Instruments:
    """Creates instruments for a device, and finds positions in the latent space (points) for sounds.

    Args:
        library: files that messages may name.
        sample_rate: device sample rate in Hz.
        channels: number of output channels.
        voices: maximum number of simultaneous voices.
        gain_db: initial output gain of the first instrument.
        finish: treatment of every instrument's output.
        outs: names of further pairs of outputs.
        threads: decoder threads.
        provider: execution provider of the decoder.
    """

    def __init__(
        self,
        library: Library,
        *,
        sample_rate: int,
        channels: int,
        voices: int,
        gain_db: float = 0.0,
        finish: Finish = Finish(),  # noqa: B008  immutable
        outs: Sequence[str] = (),
        threads: int = 1,
        provider: str = "auto",
    ) -> None:
        self._library = library
        self._rate, self._channels, self._voices = sample_rate, channels, voices
        self._gain_db, self._threads, self._provider = gain_db, threads, provider
        self._finish, self._outs = finish, outs
        self._built: dict[int, Instrument] = {}
        self._numbers = count(1)
        self._engine: Engine | None = None
        self._playing: Instrument | None = None

    def make(self, path: Path, file: ModelFile | None = None) -> Instrument:
        """Load a model and warm it up, with the shortest tick that this machine can sustain.

        Args:
            path: path of the file.
            file: content of the file, if it has been checked already.

        Raises:
            RealtimeError: the model cannot be played.
        """
        file = file or verify.read(path)
        decoder = Decoder(
            path,
            capacity=slots_for(self._voices),
            threads=self._threads,
            provider=self._provider,
            file=file,
        )
        for chunk_frames in TICKS:
            too_short = chunk_frames * file.info.hop_length < SHORTEST_S * file.info.sample_rate
            if too_short and chunk_frames < TICKS[-1]:
                continue
            mixer = Mixer(
                decoder,
                self._rate,
                voices=self._voices,
                channels=self._channels,
                chunk_frames=chunk_frames,
                gain_db=self._gain_db,
                finish=self._finish,
                outs=self._outs,
            )
            cost = warm_up(mixer)
            if cost.chunk_s[-1] < SHARE * cost.tick_s:
                break
        return Instrument(path, decoder, mixer, cost, file.sha256)

    @property
    def playing(self) -> Instrument:
        """The instrument that is playing."""
        assert self._playing is not None
        return self._playing

    def plays(self, instrument: Instrument, engine: Engine) -> None:
        """Set the instrument that is playing, and its engine."""
        self._playing, self._engine = instrument, engine

    # ---- called by the control process

    def build(self, file: str) -> Built:
        """Build an instrument for a file in the library, or for a bundled model by name."""
        gc.collect()  # earlier instruments are reference cycles of up to 100 MB
        instrument, number = self._load(file), next(self._numbers)
        self._built[number] = instrument
        return Built(number, instrument.info, instrument.path)

    def _load(self, file: str) -> Instrument:
        names = bundled()
        if file in names:
            return self.make(resolve(file))
        if Path(file).suffix.lower() not in MODELS:
            near = (*difflib.get_close_matches(file, names, n=1), self._library.similar(file, MODELS))[0]
            hint = f"did you mean {near!r}? " if near else ""
            accepted = ", ".join((*names, f"files in the library that end with {MODELS[0]}"))
            raise ControlError(f"no model {file[:80]!r}; {hint}accepted: {accepted}")
        path = self._library.file(file, MODELS)
        checked = verify.read(path)
        try_out(path, checked)
        return self.make(path, checked)

    def install(self, built: Built) -> None:
        """Switch to an instrument, as `Engine.swap` does."""
        assert self._engine is not None
        instrument = self._built.pop(built.number)
        renewed = instrument.info.renews(self.playing.info)
        self._engine.swap(instrument.mixer, instrument.swap, renewed)
        self._playing = instrument

    def encode(self, file: str) -> Z:
        """Return a point z [D] whose sound is similar to a sound file in the library.

        Raises:
            RealtimeError: the file is missing or cannot be encoded.
        """
        assert self._playing is not None
        with self._library.open(file, SOUNDS) as sound:
            try:
                return encode(self._playing.path, self._playing.info, sound)
            except RealtimeError as error:
                raise RealtimeError(f"{file[:80]}: {error}") from None
