"""`realtime midi`: play a server from a MIDI controller."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from realtime.cli.arguments import number, whole
from realtime.util import install
from realtime.util.errors import RealtimeError

ANY = "any"
"""The NAME that stands for every MIDI port, in --port and in `realtime serve --midi`."""
CURVES = ("soft", "linear", "hard")
MAP_HELP = (
    "MIDI map: a TOML file; drums: the drums of General MIDI; melodic: each note at its pitch; default: drums"
)
CURVE_HELP = (
    "velocity curve of all notes: soft makes light hits louder, hard makes them quieter; default: the map's"
)
BACKENDS = ("auto", "alsa", "jack", "coremidi", "windows")


def add_parser(commands: Any) -> None:
    """Add the `midi` command."""
    midi = commands.add_parser("midi", help="play a local or remote server from a MIDI controller")
    midi.add_argument(
        "--port",
        metavar="NAME",
        help="part of the MIDI port's name; any: every port; default: create a virtual port",
    )
    midi.add_argument("--map", type=Path, metavar="FILE", help=MAP_HELP)
    midi.add_argument("--curve", choices=CURVES, help=CURVE_HELP)
    midi.add_argument("--host", default="127.0.0.1", help="address of the server; default: this machine")
    midi.add_argument(
        "--osc-port", type=whole(1, 65535), default=9000, help="the server's UDP port; default: 9000"
    )
    midi.add_argument(
        "--backend", choices=BACKENDS, default="auto", help="MIDI back end; default: the first that works"
    )
    midi.add_argument("--list", action="store_true", help="list the MIDI ports and exit")
    midi.add_argument(
        "--learn", action="store_true", help="move a control, then type its target; needs --map FILE"
    )
    midi.add_argument("--seconds", type=number(0.0, 1e9), metavar="N", help="stop after N seconds")


def require() -> None:
    """Check that the MIDI package is installed, before anything else starts.

    Raises:
        RealtimeError: the package is missing.
    """
    if not find_spec("rtmidi"):
        raise RealtimeError(f"MIDI needs python-rtmidi: {install.command('soundmorph[midi]')}")


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    require()
    from realtime.surfaces import midi_connection

    if args.list:
        return midi_connection.list_ports(args.backend)
    return midi_connection.run(
        midi_connection.MidiConfig(
            port=args.port,
            backend=args.backend,
            map=args.map,
            curve=args.curve,
            host=args.host,
            osc_port=args.osc_port,
            learn=args.learn,
            seconds=args.seconds,
        )
    )
