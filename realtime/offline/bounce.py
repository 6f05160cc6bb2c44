"""Writes the files of `realtime render`: one file, stems, a file for each hit, or a sample pack.

A device sample is a sample at the rate of the rendered file. "The point" here means the position in the
model's latent space that the commands move.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from realtime.model import verify
from realtime.model.decoder import Decoder
from realtime.offline import grid, levels
from realtime.offline.levels import Meter, Target
from realtime.offline.lookahead import LOOK_AHEAD, Lookahead, cores
from realtime.offline.render import (
    BLOCK_SIZE,
    CHUNK_FRAMES,
    Score,
    morph,
    overlap,
    read_sound,
    voices_for,
    write,
)
from realtime.offline.replay import key, open_models, open_plugins, summarise
from realtime.offline.score import Event, Points, events, score
from realtime.offline.sequence import Sequence, read
from realtime.synth import plugins
from realtime.synth.command_log import LogError, commands, read_header
from realtime.synth.commands import Command, Gain, Mode, SetZ, Swap, Trigger, Tweak, Z
from realtime.synth.crossfade import Change
from realtime.synth.mixer import Mixer, slots_for
from realtime.synth.output import Finish
from realtime.synth.outs import MAX_OUTS, Outs
from realtime.synth.plugins import Chain
from realtime.synth.voices.resampler import Resampler
from realtime.util.errors import RealtimeError, say
from realtime.util.files import Folder
from realtime.util.progress import Progress

if TYPE_CHECKING:
    from realtime.control.presets import Presets
    from realtime.model.encoder import Encoder

LIVE_FRAMES = 4  # latent frames per decoder call if a point may move: the server's longest tick
SEND = "while a server is playing this model, oscsend 127.0.0.1 9000"  # start of a suggested command
LONGEST = 50  # maximum number of characters from a point's name in a file name; it may contain four names


class Bounce:
    """One run of `realtime render`: a model and options.

    Args:
        args: options of the command.
        model: the model file, which is read once.

    Raises:
        RealtimeError: the model or the sample rate is not accepted.
    """

    def __init__(self, args: argparse.Namespace, model: Path) -> None:
        self.args = args
        self.model = model
        self.file = verify.read(model)
        self.info = self.file.info
        self.target = Target(args.normalise, args.lufs)
        self._set_rate(args.rate or self.info.sample_rate)
        self._points: Points | None = None
        self._encoder: Encoder | None = None
        self._first: Decoder | None = None
        self._ahead: Lookahead | None = None

    def _set_rate(self, rate: int) -> None:
        self.rate = rate
        resampler = Resampler(self.info.sample_rate, rate)
        self.length = resampler.length(self.info.frames * self.info.hop_length)
        """Length of a sound in device samples."""

    def open(self, path: Path) -> tuple[Sequence, Iterator[Event]]:
        """Read a sequence file and look up its points; return the sequence and its events.

        Raises:
            SequenceError: the file has errors; the attribute `mistakes` lists all of them.
        """
        sequence = read(path, self._look_up)
        return sequence, self._events(sequence)

    def _look_up(self, sequence: Sequence) -> list[str]:
        """Look up the points of a sequence; return an error message for each that is missing."""
        self._points = Points(sequence, self.info, self._presets(sequence), self._encode)
        return self._points.mistakes()

    def _presets(self, sequence: Sequence) -> Mapping[str, Z]:
        specs = (*sequence.points.values(), *(step.spec for step in sequence.steps))
        if not any(spec is not None and spec.kind == "preset" for spec in specs):
            return {}
        return self._stored()

    def _stored(self) -> Presets:
        """Return the presets of the model."""
        from realtime.control.presets import PresetFile, default_presets

        return PresetFile(self.args.presets or default_presets(), say, SEND).open(self.info)

    def points(self, names: Iterable[str]) -> list[Z]:
        """Return the z [D] of classes, training sounds and presets, looked up as in the server.

        Raises:
            RealtimeError: no point has one of the names; the message suggests existing names.
        """
        from realtime.control.latent_space import LatentSpace

        names, space = list(names), LatentSpace(self.info)
        if not all(map(space.of_model, names)):
            presets = self._stored()
            space = LatentSpace(self.info, presets, presets.elsewhere)
        return [space.point(name) for name in names]

    def _encode(self, path: Path) -> Z:
        from realtime.model.encoder import Encoder, encoder_path

        if self._encoder is None:
            self._encoder = Encoder(encoder_path(self.model), self.info)
        return self._encoder.encode_file(path)

    def _events(self, sequence: Sequence) -> Iterator[Event]:
        assert self._points is not None
        return events(sequence, self._points, self.rate)

    def _decoder(self, voices: int) -> Decoder:
        """Return a decoder with slots for `voices`; later decoders share the first decoder's session."""
        if self._first is None:
            self._first = Decoder(
                self.model,
                capacity=slots_for(voices),
                threads=self.args.threads,
                provider=self.args.provider,
                file=self.file,
            )
            return self._first
        return self._first.sibling(slots_for(voices), self._first.max_frames)

    def _mixer(self, voices: int, channels: int, chunk_frames: int, gain_db: float) -> Mixer:
        """Return a mixer whose sounds are decoded in advance."""
        mixer = Mixer(
            self._decoder(voices),
            self.rate,
            voices=voices,
            channels=channels,
            chunk_frames=chunk_frames,
            gain_db=gain_db,
            finish=self._finish(Finish()),
        )
        mixer.sound_cache = self._sounds()
        return mixer

    def _finish(self, logged: Finish) -> Finish:
        """Return the treatment of the output: the options of the command, or else those in the log."""
        args = self.args
        return Finish(
            args.dc_block or logged.dc_block_hz,
            args.headroom or logged.headroom_db,
            args.limiter or logged.limiter,
        )

    def _sounds(self) -> Lookahead:
        if self._ahead is None:
            self._ahead = Lookahead(self._decoder(1), self.args.jobs or cores())
        return self._ahead

    def __enter__(self) -> Bounce:
        return self

    def __exit__(self, *error: object) -> None:
        if self._ahead is not None:
            self._ahead.close()

    def _plugins(self, paths: Iterable[Path], channels: int, block_size: int = BLOCK_SIZE) -> Chain | None:
        return plugins.load(
            list(paths), sample_rate=self.rate, block_size=block_size, channels=channels, say=say
        )

    def _write(self, path: Path, mixer: Mixer, commands: Score, last: int, force: bool) -> Meter:
        chain = self._plugins(self.args.plugin, mixer.channels)
        return self._play(path, mixer, commands, last, force, chain, BLOCK_SIZE)

    def _play(
        self,
        path: Path,
        mixer: Mixer,
        commands: Score,
        last: int,
        force: bool,
        chain: Chain | None,
        block_size: int,
    ) -> Meter:
        with Progress(last + self.length) as progress:
            return write(
                path,
                mixer,
                commands,
                chain=chain,
                force=force,
                bits=self.args.bits,
                target=self.target,
                progress=progress,
                block_size=block_size,
            )

    def morph(self, start: Z, end: Z, args: argparse.Namespace) -> Meter:
        """Write a series of hits from `start` [D] to `end` [D]."""
        voices = min(args.steps, overlap(self.info, args.spacing_ms))
        mixer = self._mixer(voices, args.channels or 1, CHUNK_FRAMES, args.gain)
        spacing = args.spacing_ms * self.rate / 1000
        row = morph(start, end, steps=args.steps, spacing=spacing, velocity=args.velocity)
        coming = self._sounds().follow(row)
        return self._write(args.output, mixer, coming, row[-1][0], args.force)

    def whole(self, sequence: Sequence) -> Meter:
        """Write a sequence to one file."""
        mixer, last = self._mixer_for(sequence)
        commands = self._sounds().follow(self._score(sequence, self._events(sequence)))
        return self._write(self.args.output, mixer, commands, last, self.args.force)

    def log(self, path: Path) -> Meter:
        """Write a logged performance to one file.

        Raises:
            LogError: the log is damaged, or a model is missing or has a different number of dimensions.
        """
        setting = read_header(path)
        if setting.latent_dim != self.info.latent_dim:
            raise LogError(
                f"{path} was played with a model of {setting.latent_dim} dimensions, but this one has "
                f"{self.info.latent_dim}; give another --model"
            )
        if self.args.rate is None:
            self._set_rate(setting.sample_rate)
        replaced = self.args.model is not None
        if not replaced and self.file.sha256 != setting.model_sha256:
            say(f"{self.model} has changed since the performance; the sound may differ")
        first = self._decoder(setting.voices)
        summary = summarise(path, setting)
        decoders = open_models(path, setting, summary, first, self._load, replaced=replaced, say=say)
        channels = self.args.channels or setting.channels

        def mixer(decoder: Decoder, chunk_frames: int) -> Mixer:
            return Mixer(
                decoder.sibling(slots_for(setting.voices), decoder.max_frames),
                self.rate,
                voices=setting.voices,
                channels=channels,
                chunk_frames=chunk_frames,
                gain_db=setting.gain_db + self.args.gain,
                finish=self._finish(setting.finish),
                outs=setting.outs if channels == setting.channels else (),
            )

        chain: Chain | None = None
        places: dict[int, int] = {}
        if not self.args.dry:
            chain, places = open_plugins(
                setting,
                self.args.plugin,
                self.args.trust_plugins,
                lambda plugin: self._plugins([plugin], channels, setting.block),
                say,
            )
        scale = self.rate / setting.sample_rate

        def replay() -> Iterator[tuple[int, Command | Change]]:
            for sample, command in commands(path, setting.latent_dim):
                at = round(sample * scale)
                match command:
                    case None:
                        return
                    case Swap():
                        yield at, Change(mixer(decoders[key(command)], command.chunk_frames), command)
                    case Tweak():
                        if command.plugin in places:
                            yield at, replace(command, plugin=places[command.plugin])
                    case _:
                        yield at, self._with_gain(command)

        last = round(summary.last * scale)
        block = setting.block if chain else BLOCK_SIZE  # a plugin may depend on the block size
        begin = mixer(first, setting.chunk_frames)
        begin.position = round(setting.start * scale)
        return self._play(self.args.output, begin, replay(), last, self.args.force, chain, block)

    def _load(self, path: Path) -> tuple[Decoder, str]:
        """Return the decoder of another model, and the SHA-256 of its file."""
        file = verify.read(path)
        options = {"threads": self.args.threads, "provider": self.args.provider}
        return Decoder(path, capacity=1, file=file, **options), file.sha256

    def stems(self, sequence: Sequence, by: str) -> dict[str, Meter]:
        """Write a file for each voice, class or pair of outputs; return their names and levels.

        The files add up to the mix if no sample exceeds the knee, above which the output compresses samples.
        Every stem plays the complete score, with the hits of other stems at velocity 0. Chokes and moves of
        the point are therefore unchanged.
        """

        keys: dict[str, Callable[[Event], str]] = {
            "voice": lambda event: event.voice,
            "class": lambda event: event.group,
            "out": self._out(),
        }
        key = keys[by]
        names = sorted({key(event) for event in self._events(sequence) if event.trigger})
        meters = {}
        with Folder.making(self.args.output, self.args.force) as folder:
            for name in names:
                mixer, last = self._mixer_for(sequence)
                events = (event if key(event) == name else _silent(event) for event in self._events(sequence))
                path = folder.part / f"{file_name(name)}.{self.args.format}"
                commands = self._sounds().follow(self._score(sequence, events))
                meters[name] = self._write(path, mixer, commands, last, False)
        return meters

    def _out(self) -> Callable[[Event], str]:
        """Return a function that names the outputs of a hit: with a name from `--outs`, or else a number."""
        names = ["main", *(self.args.outs or (f"out {number}" for number in range(1, MAX_OUTS + 1)))]
        outs = Outs(names[1:], self.info)

        def name(event: Event) -> str:
            return names[outs.of(event.trigger, np.asarray(event.point))] if event.trigger else ""

        return name

    def split(self, sequence: Sequence) -> list[Meter]:
        """Write a file for each hit, and the files' levels to `sounds.csv`; return the levels."""
        rows, meters = [], []
        channels = self._channels(sequence)
        with Folder.making(self.args.output, self.args.force) as folder:
            hits = [event for event in self._events(sequence) if event.trigger]
            digits = len(str(len(hits)))
            gain_db = self.args.gain + sequence.gain
            with Progress(len(hits)) as progress:
                for count, event in enumerate(hits, 1):
                    for later in hits[count - 1 : count + LOOK_AHEAD]:
                        self._sounds().plan(later.point)
                    mixer = self._mixer(1, channels, self._chunk(sequence), gain_db)
                    name = f"{count:0{digits}d}_{file_name(event.name)}.{self.args.format}"
                    mode = Mode(sequence.steps[event.step].mode or sequence.mode)
                    commands = [(0, each) for each in (mode, SetZ(event.point), *event.commands)]
                    path = folder.part / name
                    meter = write(path, mixer, commands, bits=self.args.bits, target=self.target)
                    meters.append(meter)
                    rows.append((name, event.name, event.group, *self._loudness(path, meter)))
                    progress.show(count)
            (folder.part / "sounds.csv").write_text(levels_table(rows), encoding="utf-8")
        return meters

    def grid(self, names: list[str], columns: int, rows: int) -> list[Meter]:
        """Write a sample pack of sounds between two or four named points; return the levels of the sounds."""
        if self.args.format == "ogg":
            raise RealtimeError("not every sampler plays .ogg: give --format wav or flac")
        corners = self.points(names)
        places = grid.cells(
            [file_name(name)[:LONGEST] for name in names], corners, columns, rows, f".{self.args.format}"
        )
        title = f"{self.info.name}: {', '.join(names)}, {columns} x {rows}"
        output, meters = self.args.output, []
        with Folder.making(output, self.args.force) as folder, Progress(len(places)) as progress:
            (folder.part / grid.FOLDER).mkdir()
            for count, place in enumerate(places, 1):
                for later in places[count - 1 : count + LOOK_AHEAD]:
                    self._sounds().plan(later.z)
                mixer = self._mixer(1, self.args.channels or 1, CHUNK_FRAMES, self.args.gain)
                hit: list[tuple[int, Command]] = [(0, Mode("latch")), (0, Trigger(1.0, place.z))]
                path = folder.part / place.file
                meters.append(write(path, mixer, hit, bits=self.args.bits, target=self.target))
                progress.show(count)
            pack = file_name(output.name)
            (folder.part / f"{pack}.sfz").write_text(grid.sfz(title, places, rows), encoding="utf-8")
            preset = grid.dspreset(title, places, rows)
            (folder.part / f"{pack}.dspreset").write_text(preset, encoding="utf-8")
        return meters

    def _loudness(self, path: Path, meter: Meter) -> tuple[str, str, str]:
        """Return peak and RMS in dBFS, and loudness in LUFS; the loudness is empty without pyloudnorm."""
        try:
            loudness = f"{levels.lufs(read_sound(path), self.rate):.2f}"
        except levels.LevelError:
            loudness = ""
        return f"{meter.peak_db:.2f}", f"{meter.rms_db:.2f}", loudness

    def _mixer_for(self, sequence: Sequence) -> tuple[Mixer, int]:
        """Return a mixer with enough voices for a sequence, and the device sample of the last event."""
        last = 0

        def hits() -> Iterator[tuple[int, Trigger]]:
            nonlocal last
            for event in self._events(sequence):
                last = event.sample
                if event.trigger:
                    yield event.sample, event.trigger

        voices = voices_for(hits(), self.length)
        channels, chunk_frames = self._channels(sequence), self._chunk(sequence)
        return self._mixer(voices, channels, chunk_frames, self.args.gain), last

    @staticmethod
    def _chunk(sequence: Sequence) -> int:
        """Return the number of latent frames per decoder call: few if a point may move during a sound."""
        moving = any("live" in (step.mode, sequence.mode) for step in sequence.steps)
        return LIVE_FRAMES if moving else CHUNK_FRAMES

    def _channels(self, sequence: Sequence) -> int:
        panned = any(step.trigger.pan for step in sequence.steps)
        return int(self.args.channels or (2 if panned else 1))

    def _score(self, sequence: Sequence, sequence_events: Iterable[Event]) -> Iterator[tuple[int, Command]]:
        for sample, command in score(sequence, sequence_events):
            yield sample, self._with_gain(command)

    def _with_gain(self, command: Command) -> Command:
        """Return the command with --gain added."""
        return Gain(command.db + self.args.gain) if isinstance(command, Gain) else command


def _silent(event: Event) -> Event:
    """Return the event with its hit at velocity 0."""
    commands = tuple(replace(c, velocity=0.0) if isinstance(c, Trigger) else c for c in event.commands)
    return replace(event, commands=commands)


def file_name(name: str) -> str:
    """Return a name that is valid on any file system."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("._")[:80] or "sound"


def levels_table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return the text of `sounds.csv`: file, name, class, peak and RMS in dBFS, LUFS."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("file", "name", "class", "peak_db", "rms_db", "lufs"))
    table.writerows(rows)
    return text.getvalue()
