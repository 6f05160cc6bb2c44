"""MIDI and OSCQuery of `realtime serve`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.cli import midi
from realtime.cli.arguments import add_plugin, whole
from realtime.util.errors import RealtimeError

if TYPE_CHECKING:
    from realtime.control.access import Access
    from realtime.control.osc import Server
    from realtime.surfaces.midi_bridge import Bridge


@dataclass(frozen=True)
class SurfaceConfig:
    """Options of MIDI and OSCQuery.

    Attributes:
        midi: part of a MIDI port's name; empty: a virtual port; None: no MIDI.
        midi_map: file of the MIDI map; None: the default map.
        midi_backend: a key of `midi_ports.BACKENDS`, or "auto".
        oscquery: TCP port; None: the number of the OSC port, if it is free; negative: no OSCQuery.
    """

    midi: str | None = None
    midi_map: Path | None = None
    midi_backend: str = "auto"
    oscquery: int | None = None


def add_arguments(serve: argparse.ArgumentParser) -> None:
    """Add the options of controllers and hosts to `realtime serve`."""
    hosts = serve.add_argument_group("controllers and hosts (docs/hosts.md)")
    hosts.add_argument(
        "--midi",
        nargs="?",
        const="",
        metavar="NAME",
        help="play from the MIDI port whose name contains NAME; without NAME: from a virtual port",
    )
    hosts.add_argument("--midi-map", type=Path, metavar="FILE", help="MIDI map; see `realtime midi`")
    hosts.add_argument(
        "--midi-backend",
        choices=midi.BACKENDS,
        default="auto",
        help="MIDI back end; default: the first that works",
    )
    hosts.add_argument(
        "--oscquery",
        type=_port_or_off,
        metavar="PORT|off",
        help="TCP port of OSCQuery; default: same as the OSC port; 0: any free port",
    )
    add_plugin(hosts)


def _port_or_off(text: str) -> int:
    """Argument type: a port, or -1 for "off"."""
    return -1 if text == "off" else whole(0, 65_535)(text)


def config(args: argparse.Namespace) -> SurfaceConfig:
    """Return the options given on the command line.

    Raises:
        RealtimeError: a package is missing.
    """
    if args.midi is not None:
        midi.require()
    return SurfaceConfig(args.midi, args.midi_map, args.midi_backend, args.oscquery)


def open_midi(config: SurfaceConfig, say: Callable[[str], None]) -> Bridge | None:
    """Open the MIDI port, if requested; return its bridge, not yet connected to a server.

    Raises:
        RealtimeError: the map cannot be read, or MIDI is not available.
    """
    if config.midi is None:
        return None
    from realtime.surfaces.midi import Mapper
    from realtime.surfaces.midi_bridge import Bridge, load
    from realtime.surfaces.midi_ports import Input

    mapper = Mapper(load(config.midi_map))
    return Bridge(mapper, Input(config.midi or None, config.midi_backend, say), say)


def start(
    config: SurfaceConfig, bridge: Bridge | None, server: Server, gate: Access, say: Callable[[str], None]
) -> ExitStack:
    """Start the requested surfaces of a running server; close the result to stop them.

    Args:
        config: options of the surfaces.
        bridge: from `open_midi`.
        server: the OSC server.
        gate: access rules of OSCQuery, not shared with any other server.
        say: receives a line for each surface that does not work.

    Raises:
        RealtimeError: a port that was given by number is in use.
    """
    with ExitStack() as parts:
        if config.oscquery is None or config.oscquery >= 0:
            _start_oscquery(config.oscquery, server, gate, say, parts)
        if bridge is not None:
            from realtime.surfaces.midi_bridge import LocalLink

            bridge.start(LocalLink(server.handle))
            parts.callback(bridge.stop)
        return parts.pop_all()


def _start_oscquery(
    port: int | None, server: Server, gate: Access, say: Callable[[str], None], parts: ExitStack
) -> None:
    from realtime.surfaces.oscquery_server import Advert, QueryServer

    try:
        query = QueryServer(
            lambda: server.control.info,
            server.handle,
            (server.host, server.port),
            host=server.host,
            port=server.port if port is None else port,
            gate=gate,
        )
    except RealtimeError as error:
        if port is not None:
            raise
        say(f"{error}; --oscquery chooses another")
        return
    query.start()
    parts.callback(query.stop)
    print(f"{'oscquery':<8} http://{query.host}:{query.port}", flush=True)
    if not server.host.startswith("127."):
        try:
            advert = Advert(query.name, server.host, server.port, query.port, say)
        except RealtimeError as error:
            say(str(error))
            return
        parts.callback(advert.close)
