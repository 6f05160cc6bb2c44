"""What `realtime serve` has for controllers and hosts: MIDI."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from realtime import midi_command
from realtime.osc import Server

if TYPE_CHECKING:
    from realtime.midi_bridge import Bridge


@dataclass(frozen=True)
class HostConfig:
    """See --help of `realtime serve`.

    Attributes:
        midi: part of a MIDI port's name; empty: a virtual port; None: no MIDI.
        midi_map: what does what.
        midi_backend: a key of `midi_ports.BACKENDS`, or "auto".
    """

    midi: str | None = None
    midi_map: Path | None = None
    midi_backend: str = "auto"


def add_arguments(serve: argparse.ArgumentParser) -> None:
    """The options of `realtime serve`."""
    hosts = serve.add_argument_group("controllers and hosts (docs/hosts.md)")
    hosts.add_argument(
        "--midi",
        nargs="?",
        const="",
        metavar="NAME",
        help="play from the MIDI port with this in its name; without NAME, from a virtual one",
    )
    hosts.add_argument("--midi-map", type=Path, metavar="FILE", help="what does what; see `realtime midi`")
    hosts.add_argument(
        "--midi-backend", choices=midi_command.BACKENDS, default="auto", help="default: any that works"
    )


def config(args: argparse.Namespace) -> HostConfig:
    """From the command line.

    Raises:
        RealtimeError: a package is missing.
    """
    if args.midi is not None:
        midi_command.require()
    return HostConfig(midi=args.midi, midi_map=args.midi_map, midi_backend=args.midi_backend)


def open_midi(config: HostConfig, say: Callable[[str], None]) -> Bridge | None:
    """The way from a MIDI port, if one was asked for, not yet connected to a server.

    To be opened before the sound device and closed after it: python-rtmidi keeps all of Python still while it
    joins or leaves a JACK server, and a synchronous one waits for our sound meanwhile.

    Raises:
        RealtimeError: the map cannot be read, or MIDI does not work here.
    """
    if config.midi is None:
        return None
    from realtime.midi import Mapper
    from realtime.midi_bridge import Bridge, load
    from realtime.midi_ports import Input

    mapper = Mapper(load(config.midi_map))
    return Bridge(mapper, Input(config.midi or None, config.midi_backend, say), say)


def start(bridge: Bridge | None, server: Server) -> ExitStack:
    """Start what was asked for beside a server that runs; closing the result ends it."""
    with ExitStack() as parts:
        if bridge is not None:
            from realtime.midi_bridge import LocalLink

            bridge.start(LocalLink(server.handle))
            parts.callback(bridge.stop)
        return parts.pop_all()
