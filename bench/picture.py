"""`python -m bench.picture -o docs/morph.png`: draw the waveform and spectrogram of a rendered morph."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
import soundfile

from realtime.util.parser import Parser

STEPS, SPACING_MS = 8, 800
RANGE_DB, WINDOW, HOP = 80.0, 512, 128


def main(argv: list[str] | None = None) -> int:
    """Render the morph and draw it."""
    parser = Parser(description=__doc__)
    parser.add_argument("--model", default="drums")
    parser.add_argument("--from", dest="start", default="kick")
    parser.add_argument("--to", dest="end", default="snare")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "morph.wav"
        names = ["--model", args.model, "--from", args.start, "--to", args.end]
        timing = ["--steps", str(STEPS), "--spacing-ms", str(SPACING_MS)]
        command = [sys.executable, "-m", "realtime", "render", *names, *timing, "-o", str(wav)]
        subprocess.run(command, check=True)
        sound, rate = soundfile.read(wav)
    draw(sound, rate, args)
    return 0


def draw(sound: np.ndarray, rate: int, args: argparse.Namespace) -> None:
    """Draw waveform and spectrogram over a common time axis, with a tick for each step."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (wave, spectrum) = pyplot.subplots(
        2, 1, figsize=(12, 5), sharex=True, height_ratios=[1, 2], layout="constrained"
    )
    time_s = np.arange(len(sound)) / rate
    wave.plot(time_s, sound, linewidth=0.4)
    wave.set_ylabel("amplitude")
    parts = np.lib.stride_tricks.sliding_window_view(np.pad(sound, (0, WINDOW)), WINDOW)[::HOP]
    magnitude = np.abs(np.fft.rfft(parts * np.hanning(WINDOW), axis=1)) * 4 / WINDOW
    level_db = 20 * np.log10(magnitude.T + 1e-6)
    extent = (0, len(sound) / rate, 0, rate / 2000)
    image = spectrum.imshow(
        level_db, origin="lower", aspect="auto", extent=extent, vmin=-RANGE_DB, vmax=0, cmap="magma"
    )
    spectrum.set_ylabel("kHz")
    places = [k * SPACING_MS / 1000 for k in range(STEPS)]
    labels = [args.start, *(f"{k}/{STEPS - 1}" for k in range(1, STEPS - 1)), args.end]
    spectrum.set_xticks(places, labels)
    figure.colorbar(image, ax=spectrum, label="dB")
    figure.savefig(args.out, dpi=80)


if __name__ == "__main__":
    sys.exit(main())
