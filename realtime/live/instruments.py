"""Models and sounds from files, while another model plays: made ready in the background, then taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.live.engine import Engine
from realtime.live.warm_up import warm_up
from realtime.model import verify
from realtime.model.decoder import Decoder, bundled, resolve
from realtime.model.schema import ModelInfo
from realtime.synth.commands import Swap, Z
from realtime.synth.mixer import Cost, Mixer, slots_for
from realtime.util.errors import ControlError

TICKS = (1, 2, 4)  # latent frames: the shorter, the sooner a moving z is heard, and the more calls it takes
SHORTEST_S = 2e-3  # of a tick: one shorter than a usual block has more calls in it, for little
SHARE = 0.5  # of a tick, that decoding all voices may take for it to be chosen
SOUNDS = (".wav", ".flac", ".aif", ".aiff", ".ogg")


@dataclass(frozen=True)
class Instrument:
    """A model, ready to be played."""

    path: Path
    decoder: Decoder
    mixer: Mixer
    cost: Cost
    sha256: str
    """Of the file."""

    @property
    def info(self) -> ModelInfo:
        return self.decoder.info

    @property
    def swap(self) -> Swap:
        """What a log keeps of it."""
        return Swap(
            str(self.path.resolve()), self.sha256, self.info.latent_dim, self.mixer.timing.chunk_frames
        )


class Instruments:
    """Makes instruments for one output, and points from sounds.

    Args:
        library: where the files that messages name are.
        sample_rate: of the device, in Hz.
        channels: of the output.
        voices: sounding at once.
        gain_db: of the first instrument's output at its start.
        dc_block_hz: of every instrument's output.
        threads: of the decoder.
        provider: where the decoder runs.
    """

    def __init__(
        self,
        library: Library,
        *,
        sample_rate: int,
        channels: int,
        voices: int,
        gain_db: float = 0.0,
        dc_block_hz: float = 0.0,
        threads: int = 1,
        provider: str = "auto",
    ) -> None:
        self._library = library
        self._rate, self._channels, self._voices = sample_rate, channels, voices
        self._gain_db, self._threads, self._provider = gain_db, threads, provider
        self._dc_block_hz = dc_block_hz
        self._engine: Engine | None = None
        self._playing: Instrument | None = None

    def make(self, path: Path) -> Instrument:
        """Load a model, and run it until it is warm.

        Raises:
            RealtimeError: it cannot be played.
        """
        file = verify.read(path)
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
                dc_block_hz=self._dc_block_hz,
            )
            cost = warm_up(mixer)
            if cost.chunk_s[-1] < SHARE * cost.tick_s:
                break
        return Instrument(path, decoder, mixer, cost, file.sha256)

    def plays(self, instrument: Instrument, engine: Engine) -> None:
        """Take note of what plays on which engine."""
        self._playing, self._engine = instrument, engine

    # ---- what `control` asks for

    def build(self, file: str) -> Instrument:
        """An instrument of a file of the library, or of a bundled model by its name."""
        return self.make(resolve(file) if file in bundled() else self._library.file(file, (".onnx",)))

    def install(self, instrument: Instrument) -> None:
        """Let an instrument take over, with the gain and the mode that are."""
        assert self._engine is not None
        self._engine.swap(instrument.mixer, instrument.swap)
        self._playing = instrument

    def encode(self, file: str) -> Z:
        """The point whose sound is most like that of a file of the library."""
        from realtime.model.encoder import Encoder, encoder_path

        assert self._playing is not None
        path = self._library.file(file, SOUNDS)
        encoder = Encoder(encoder_path(self._playing.path), self._playing.info)
        return encoder.encode_file(path)


class Library:
    """Files by names relative to one folder.

    Args:
        folder: the library, or None for none: then no name is accepted.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder.resolve()

    def file(self, name: str, suffixes: Sequence[str]) -> Path:
        """The file of that name.

        Raises:
            ControlError: there is no library, no such file, it is not of these suffixes, or it lies outside
                (`..`, absolute paths, links).
        """
        if self._folder is None:
            raise ControlError("this server has no library: start it with --library FOLDER")
        if not name.isprintable():
            raise ControlError(f"file is {name[:80]!r}, which has characters that cannot be printed")
        path = Path(name)
        if path.suffix.lower() not in suffixes:
            raise ControlError(f"file is {name[:80]!r}, not one that ends with {' or '.join(suffixes)}")
        if path.is_absolute() or path.drive or ".." in path.parts:
            raise ControlError(f"file is {name[:80]!r}; only files within the library are accepted")
        try:
            found = (self._folder / path).resolve(strict=True)
            inside = found.is_relative_to(self._folder) and found.is_file()
        except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
            raise ControlError(f"no file {name[:80]!r} in the library") from None
        if not inside:
            raise ControlError(f"file is {name[:80]!r}; only files within the library are accepted")
        return found
