"""`realtime morphology FILE`: draws a sequence or a logged performance.

The picture shows the waveform, the spectrogram, and the path of the point on the model's two-dimensional map.
"The point" here means the position in the latent space that the commands move. The picture is written as a
PNG file, and in an HTML page with an audio player.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from realtime.model.schema import ModelInfo
from realtime.offline.bounce import Bounce
from realtime.offline.score import score
from realtime.synth.command_log import commands
from realtime.synth.commands import Command, Goto, SetAxis, SetDimension, SetZ, Swap, Trigger
from realtime.synth.glide import Point
from realtime.synth.points import Points
from realtime.util.errors import printable
from realtime.util.files import check_place, write_bytes

SECONDS = 300.0  # maximum duration drawn
RANGE_DB = 80.0
WINDOW, HOP = 512, 128
PIECES = 16  # number of positions drawn for a glide, or for the part of a glide between two commands
NEAREST = 6  # number of training sounds (anchors) that determine the position of a z on the map


@dataclass(frozen=True)
class Trace:
    """Positions in the latent space over time.

    Attributes:
        seconds: times [N].
        z: positions [N, D].
        path: True for positions of the point [N].
        hits: True for positions at which hits play [N], which may differ from the point.
    """

    seconds: NDArray[np.float64]
    z: NDArray[np.float64]
    path: NDArray[np.bool_]
    hits: NDArray[np.bool_]


def draw(args: argparse.Namespace, model: Path) -> list[Path]:
    """Render the source, write a PNG and an HTML file, and return their paths.

    Raises:
        RealtimeError: the source is invalid, or a file cannot be written.
    """
    targets = [args.output.with_suffix(".png"), args.output.with_suffix(".html")]
    for target in targets:
        check_place(target, args.force)
    with tempfile.TemporaryDirectory() as folder, Bounce(args, model) as bounce:
        args.output, args.force = Path(folder) / "sound.wav", True
        played_commands: Iterable[tuple[int, Command]]
        if args.source.suffix == ".jsonl":
            bounce.log(args.source)
            dim = bounce.info.latent_dim
            played = ((at, each) for at, each in commands(args.source, dim) if each is not None)
            played_commands = takewhile(lambda each: not isinstance(each[1], Swap), played)
        else:
            sequence, events = bounce.open(args.source)
            bounce.whole(sequence)
            played_commands = score(sequence, events)
        trace = follow(played_commands, bounce.info, bounce.rate)
        sound, rate = soundfile.read(args.output, dtype="float32", always_2d=True)
        page_sound = Path(folder) / "sound.flac"
        soundfile.write(page_sound, sound, rate, subtype="PCM_16")
        player = page_sound.read_bytes()
    title = printable(args.source.stem)
    picture = _png(figure(title, sound[: int(SECONDS * rate)].mean(axis=1), rate, trace, bounce.info))
    write_bytes(targets[0], picture)
    write_bytes(targets[1], page(title, picture, player, trace, bounce.info).encode())
    return targets


def follow(played_commands: Iterable[tuple[int, Command]], info: ModelInfo, rate: int) -> Trace:
    """Return the path of the point and the positions of all hits in a score of (device sample, command)."""
    points = Points(info.classes[0].centroid, rate)
    rows: list[tuple[int, Point, bool, bool]] = []  # device sample, z, path, hit
    drawn = 0

    def draw_until(sample: int) -> None:
        nonlocal drawn
        end = min(sample, points.glide.end)
        if end > drawn:
            times = np.linspace(drawn, end, PIECES).round().astype(int).tolist()
            rows.extend((at, points.glide.at(at), True, False) for at in times)
        drawn = max(drawn, sample)

    for sample, command in played_commands:
        draw_until(sample)
        match command:
            case SetZ() | SetDimension() | SetAxis() | Goto():
                points.move(command, sample)
                rows.append((sample, points.glide.at(sample), True, False))
            case Trigger(z=z, touch=touch, point=point, offset=offset):
                if z is not None:
                    points.move(SetZ(z, touch), sample)
                on_path = (touch, point, offset) == (None, None, None)
                rows.append((sample, points.place(command, sample), on_path, True))
    draw_until(points.glide.end)
    rows.sort(key=lambda row: row[0])
    return Trace(
        seconds=np.array([row[0] for row in rows]) / rate,
        z=np.array([row[1] for row in rows]).reshape(len(rows), info.latent_dim),
        path=np.array([row[2] for row in rows], bool),
        hits=np.array([row[3] for row in rows], bool),
    )


def on_map(z: NDArray[np.float64], info: ModelInfo) -> NDArray[np.float64]:
    """Return positions [N, 2] on the model's map for z [N, D].

    A position is the mean of the nearest training sounds' positions, weighted by inverse squared distance.
    The map of a model without training sounds is the plane of the model's first two principal axes.
    """
    if not info.anchors:
        basis = np.array(info.pca.basis[:2])
        return np.asarray((z - np.array(info.latent.mean)) @ basis.T, np.float64)
    anchors = np.array([each.z for each in info.anchors])
    places = np.array([each.xy for each in info.anchors])
    distance = np.linalg.norm(z[:, np.newaxis] - anchors, axis=2)
    near = np.argsort(distance, axis=1)[:, :NEAREST]
    weight = 1.0 / (np.take_along_axis(distance, near, 1) + 1e-9) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray((weight[..., np.newaxis] * places[near]).sum(axis=1), np.float64)


def spectrum_db(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the spectrogram [bins, frames] of a sound [T] in dBFS."""
    padded = np.pad(sound, (0, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:: max(HOP, len(sound) // 4000)]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) * 4 / WINDOW
    return np.asarray(20 * np.log10(magnitude.T + 1e-6), np.float64)


def figure(title: str, sound: NDArray[np.float32], rate: int, trace: Trace, info: ModelInfo) -> Figure:
    """Draw waveform and spectrogram on a shared time axis, and the map next to them."""
    drawing = Figure(figsize=(14, 6), layout="constrained")
    wave, spectrum, plane = _axes(drawing)
    seconds = len(sound) / rate
    wave.set_title(title)
    wave.plot(np.arange(len(sound)) / rate, sound, linewidth=0.4)
    wave.set(ylabel="amplitude", xlim=(0, seconds))
    spectrum.imshow(
        spectrum_db(sound),
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, rate / 2000),
        vmin=-RANGE_DB,
        vmax=0,
        cmap="magma",
    )
    spectrum.set(xlabel="s", ylabel="kHz")
    names = [each.name for each in info.classes]
    if info.anchors:
        places = np.array([each.xy for each in info.anchors])
        labels = np.array([each.label for each in info.anchors])
        for label, name in enumerate(names):
            some = places[labels == label]
            plane.scatter(some[:, 0], some[:, 1], s=8, alpha=0.4, label=name)
        plane.legend(fontsize="small", markerscale=2)
    if len(trace.z):
        where = on_map(trace.z, info)
        path = where[trace.path]
        plane.plot(path[:, 0], path[:, 1], color="black", linewidth=0.7)
        hits = where[trace.hits]
        plane.scatter(
            hits[:, 0], hits[:, 1], c=trace.seconds[trace.hits], cmap="viridis", s=30, edgecolor="black"
        )
    plane.set(title="path of the point", xticks=[], yticks=[])
    return drawing


def _axes(drawing: Figure) -> tuple[Any, Any, Any]:
    grid = drawing.add_gridspec(2, 2, width_ratios=[2, 1], height_ratios=[1, 2])
    wave = drawing.add_subplot(grid[0, 0])
    return wave, drawing.add_subplot(grid[1, 0], sharex=wave), drawing.add_subplot(grid[:, 1])


def _png(drawing: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(drawing)
    drawing.savefig(buffer, format="png")
    return buffer.getvalue()


def page(title: str, picture: bytes, player: bytes, trace: Trace, info: ModelInfo) -> str:
    """Return a self-contained HTML page: picture, player, and buttons that jump to each hit."""
    encoded = {name: base64.b64encode(data).decode() for name, data in (("png", picture), ("flac", player))}
    centres = np.array([each.centroid for each in info.classes])
    rows = []
    for seconds, z in zip(trace.seconds[trace.hits][:2000], trace.z[trace.hits], strict=False):
        name = info.classes[int(np.linalg.norm(centres - z, axis=1).argmin())].name
        jump = f"document.querySelector('audio').currentTime={seconds:.4f};"
        jump += "document.querySelector('audio').play()"
        rows.append(f'<button onclick="{jump}">{seconds:.2f} s {html.escape(name)}</button>')
    return f"""<!doctype html>
<meta charset="utf-8">
<title>{html.escape(title)}</title>
<style>
body {{ font: 15px sans-serif; max-width: 75em; margin: 2em auto }}
img, audio {{ width: 100% }}
</style>
<h1>{html.escape(title)}</h1>
<p>{html.escape(info.name)}: {html.escape(", ".join(each.name for each in info.classes))}</p>
<audio controls src="data:audio/flac;base64,{encoded["flac"]}"></audio>
<img alt="waveform, spectrogram, and path on the map" src="data:image/png;base64,{encoded["png"]}">
<p>{" ".join(rows)}</p>
"""
