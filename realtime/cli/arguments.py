"""Types of command-line arguments, and options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from realtime.synth.quantities import DC_BLOCK_HZ, GAIN_DB, HEADROOM_DB, LOOK_AHEAD_MS
from realtime.util.errors import RealtimeError


class whole:  # noqa: N801
    """Argument type: a whole number in a range."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def __call__(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = self.low - 1
        if not self.low <= value <= self.high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {self.low} to {self.high}")
        return value


class number:  # noqa: N801
    """Argument type: a number in a range."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not self.low <= value <= self.high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {self.low:g} to {self.high:g}")
        return value


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add --model."""
    parser.add_argument("--model", default="drums", help="an .onnx file or a bundled model; default: drums")


def add_decoder(parser: argparse.ArgumentParser) -> None:
    """Add --threads and --provider."""
    parser.add_argument("--threads", type=whole(1, 64), default=1, help="decoder threads; default: 1")
    parser.add_argument(
        "--provider", choices=("auto", "cpu", "cuda"), default="auto", help="processor that decodes sounds"
    )


def names(text: str) -> tuple[str, ...]:
    """Argument type: names, separated by commas."""
    return tuple(name.strip() for name in text.split(","))


def add_gain(parser: argparse._ActionsContainer) -> None:
    """Add --gain."""
    parser.add_argument(
        "--gain", type=number(*GAIN_DB.range), default=0.0, metavar="DB", help="output gain; default: 0"
    )


def add_finish(parser: argparse._ActionsContainer, headroom_db: float, default: str) -> None:
    """Add --headroom, --limiter and --dc-block.

    Args:
        parser: receives the options.
        headroom_db: default of --headroom, in dB.
        default: description of this default in the help text.
    """
    parser.add_argument(
        "--headroom",
        type=number(*HEADROOM_DB.range),
        default=headroom_db,
        metavar="DB",
        help=f"attenuation that leaves room for sounds that play together; default: {default}",
    )
    parser.add_argument(
        "--limiter",
        action="store_true",
        help="turn the sound down before a peak above 0.9 of full scale; delays the sound by "
        f"{LOOK_AHEAD_MS:g} ms",
    )
    parser.add_argument(
        "--dc-block",
        type=number(*DC_BLOCK_HZ.range),
        default=0.0,
        metavar="HZ",
        help="cutoff frequency, at most 40, of a high-pass filter that removes DC offset; default: 0 (off)",
    )


def add_plugin(parser: argparse._ActionsContainer) -> None:
    """Add --plugin."""
    parser.add_argument(
        "--plugin",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a VST3 or AU effect that processes the mix; repeat the option to chain effects in this order",
    )


def add_trust_plugins(parser: argparse._ActionsContainer) -> None:
    """Add --trust-plugins."""
    parser.add_argument(
        "--trust-plugins",
        action="store_true",
        help="load the plugins that a log names; they run with your rights, like any program",
    )


def check_log_options(args: argparse.Namespace) -> None:
    """Check --trust-plugins against other options.

    Raises:
        RealtimeError: --trust-plugins is given without a log, or together with --plugin.
    """
    if args.trust_plugins and (args.plugin or args.source is None or args.source.suffix != ".jsonl"):
        raise RealtimeError("--trust-plugins needs a log, and cannot be combined with --plugin")


def outputs(text: str) -> tuple[int, ...]:
    """Argument type: numbers of one or two different outputs of a device, counted from 1."""
    words = text.split(",")
    if not 1 <= len(words) <= 2 or not all(w.isascii() and w.isdigit() and 1 <= int(w) <= 256 for w in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not one or two outputs, such as 3 or 3,4")
    if len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(f"{text!r} names the same output twice")
    return tuple(map(int, words))
