"""The surfaces of `realtime serve`: the ways to play it other than OSC.

These are MIDI, the web page, OSCQuery, Ableton Link and the events of a plugin host (a DAW). The host and the
server share memory, the bridge.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.cli import midi
from realtime.cli.arguments import add_plugin, whole
from realtime.util.errors import RealtimeError, over_progress

if TYPE_CHECKING:
    from realtime.audio.bridge_memory import BridgeFile
    from realtime.control.osc import Server
    from realtime.control.protocol import Message
    from realtime.control.senders.access import Access
    from realtime.live.supervisor import EngineProxy
    from realtime.surfaces.midi_connection import MidiConnection
    from realtime.surfaces.models import Models


OutputSince = Callable[[int], tuple[int, bytes]]


@dataclass(frozen=True)
class SurfaceConfig:
    """Options of MIDI, the web page, OSCQuery and Link.

    Attributes:
        midi: part of a MIDI port's name. An empty string opens a virtual port, `midi.ANY` opens every port,
            and None disables MIDI.
        midi_map: file of the MIDI map, or a key of `midi_map.MAPS`; None selects the default map.
        midi_curve: a key of `midi_map.CURVES` for all notes; None keeps the curves in the map.
        midi_backend: a key of `midi_ports.BACKENDS`, or "auto".
        oscquery: TCP port of the page and OSCQuery. None selects the number of the OSC port, if that number
            is free; a negative number disables the page and OSCQuery.
        link: follow the Ableton Link session of the local network.
        open: show the page in a browser.
    """

    midi: str | None = None
    midi_map: Path | None = None
    midi_curve: str | None = None
    midi_backend: str = "auto"
    oscquery: int | None = None
    link: bool = False
    open: bool = False


def add_arguments(serve: argparse.ArgumentParser) -> None:
    """Add the options of controllers and hosts to `realtime serve`."""
    hosts = serve.add_argument_group("controllers and hosts (docs/how-to/controllers.md)")
    hosts.add_argument(
        "--midi",
        nargs="?",
        const="",
        metavar="NAME",
        help="play from the MIDI port whose name contains NAME; any: from every connected controller, "
        "now or later; without NAME: from a virtual port",
    )
    hosts.add_argument("--midi-map", type=Path, metavar="FILE", help=midi.MAP_HELP)
    hosts.add_argument("--midi-curve", choices=midi.CURVES, help=midi.CURVE_HELP)
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
        help="TCP port of the web page and OSCQuery; default: the number of the OSC port; 0: any free port; "
        "off: no page and no OSCQuery",
    )
    hosts.add_argument(
        "--link",
        action="store_true",
        help="follow tempo, beat, start and stop of the Ableton Link session on the network (extra `link`)",
    )
    hosts.add_argument("--open", action="store_true", help="open the page in a browser (docs/page.md)")
    add_plugin(hosts)


def _port_or_off(text: str) -> int:
    """Argument type: a port, or -1 for "off"."""
    return -1 if text == "off" else whole(0, 65_535)(text)


def check(args: argparse.Namespace, bridge: bool) -> None:
    """Check that each option can have an effect; `bridge`: a plugin host, which sends MIDI, is the device.

    Raises:
        RealtimeError: an option is refused.
    """
    if args.midi is None and args.midi_backend != "auto":
        raise RealtimeError("--midi-backend needs --midi")
    for option, value in (("--midi-map", args.midi_map), ("--midi-curve", args.midi_curve)):
        if value and args.midi is None and not bridge:
            raise RealtimeError(f"{option} needs --midi or --device bridge:NAME")
    if args.open and args.oscquery is not None and args.oscquery < 0:
        raise RealtimeError("--open needs the page: leave out --oscquery off")


def config(args: argparse.Namespace) -> SurfaceConfig:
    """Return the options given on the command line.

    Raises:
        RealtimeError: a package is missing.
    """
    if args.midi not in (None, midi.ANY):
        midi.require()
    if args.link:
        from realtime.surfaces import link

        link.require()
    return SurfaceConfig(
        args.midi, args.midi_map, args.midi_curve, args.midi_backend, args.oscquery, args.link, args.open
    )


def open_midi(config: SurfaceConfig, say: Callable[[str], None]) -> MidiConnection | None:
    """Open the MIDI port that the options request; return it, not yet connected to a server.

    Return None if no port is requested. If every port is requested (`midi.ANY`) and MIDI is not available,
    print a line and return None, too.

    Raises:
        RealtimeError: the map cannot be read, or MIDI is not available.
    """
    if config.midi is None:
        return None
    from realtime.surfaces.midi import Mapper
    from realtime.surfaces.midi_connection import MidiConnection, load
    from realtime.surfaces.midi_ports import Input, PortError

    mapper = Mapper(load(config.midi_map, config.midi_curve))
    try:
        port = Input(config.midi or None, config.midi_backend, say)
    except PortError as error:
        if config.midi != midi.ANY:
            raise
        say(f"playing without MIDI: {error}")
        return None
    return MidiConnection(mapper, port, say)


def start(
    config: SurfaceConfig,
    midi: MidiConnection | None,
    server: Server,
    access: Access,
    models: Models,
    takes: Path | None,
    output_since: OutputSince,
    say: Callable[[str], None],
    host: BridgeFile | None = None,
) -> ExitStack:
    """Start the requested surfaces of a running server; close the result to stop them.

    Args:
        config: options of the surfaces.
        midi: the result of `open_midi`.
        server: the OSC server.
        access: limits on the senders of requests to the page and OSCQuery; not shared with any other server.
        models: the current model, and the models that can be loaded.
        takes: folder of the recordings that the page offers for download.
        output_since: returns the latest output sound, beginning at a given device sample.
        say: receives a line for each surface that does not work.
        host: the bridge, if a bridge is the device; the function writes the page's port into the bridge.

    Raises:
        RealtimeError: a port that was given by number is in use.
    """
    with ExitStack() as parts:
        if config.oscquery is None or config.oscquery >= 0:
            latest = midi.latest if midi is not None else ()
            port = _start_web(config, server, access, models, takes, output_since, latest, say, parts)
            if host is not None:
                host.memory["page_port"] = port

        def handle(messages: Sequence[Message], due: float | None) -> list[Message]:
            return server.handle(messages, due=due)

        if config.link:
            from realtime.surfaces.link import Link

            link = Link(handle, say)
            link.start()
            parts.callback(link.stop)
        if midi is not None:
            from realtime.surfaces.midi_connection import LocalConnection

            midi.start(LocalConnection(handle))
            parts.callback(midi.stop)
        return parts.pop_all()


def start_bridge(
    config: SurfaceConfig,
    bridge: BridgeFile,
    server: Server,
    player: EngineProxy,
    models: Models,
    say: Callable[[str], None],
) -> Callable[[], None]:
    """Start a thread that handles the events in a bridge; return a function that stops the thread.

    The MIDI map in `config` gives each MIDI event its effect.
    """
    from realtime.surfaces.bridge import BridgeSurface
    from realtime.surfaces.midi import Mapper
    from realtime.surfaces.midi_connection import load

    mapper = Mapper(load(config.midi_map, config.midi_curve))
    surface = BridgeSurface(bridge, mapper, player.handled, models, say)
    surface.start(server)
    return surface.stop


def _start_web(
    config: SurfaceConfig,
    server: Server,
    access: Access,
    models: Models,
    takes: Path | None,
    output_since: OutputSince,
    midi: Sequence[tuple[int, list[int]]],
    say: Callable[[str], None],
    parts: ExitStack,
) -> int:
    """Start the page and OSCQuery; return their TCP port, or 0 if the default port is in use."""
    from realtime.control.protocol import Message
    from realtime.surfaces.advert import Advert
    from realtime.surfaces.web.downloads import Downloads
    from realtime.surfaces.web.guard import page_key
    from realtime.surfaces.web.kits import Kits
    from realtime.surfaces.web.oscquery_part import OscQuery
    from realtime.surfaces.web.page_part import Page
    from realtime.surfaces.web.server import WebServer
    from realtime.surfaces.web.sound import Sound

    open_to_network = not server.host.startswith("127.")
    name = f"soundmorph {socket.gethostname().partition('.')[0]} {server.port}"
    query = OscQuery(lambda: server.control.info, server.handle, (server.host, server.port), name)
    key = page_key() if open_to_network else ""
    kits = Kits(models.library, lambda file: server.handle([Message("/morph/model", (file,))]))
    try:
        web = WebServer(
            [
                Downloads(takes),
                Sound(output_since),
                kits,
                Page(server, query.answer, models, midi, lambda: kits.state),
                query,
            ],
            host=server.host,
            port=server.port if config.oscquery is None else config.oscquery,
            access=access,
            key=key,
        )
    except RealtimeError as error:
        if config.oscquery is not None:
            raise
        say(f"{error}; choose another port with --oscquery")
        return 0
    web.start()
    parts.callback(web.stop)
    here = "127.0.0.1" if web.host == "0.0.0.0" else web.host
    page = f"http://{here}:{web.port}/{f'?key={key}' if key else ''}"
    print(over_progress(f"{'page':<8} {page}", sys.stdout), flush=True)
    if config.open:
        threading.Thread(target=_show, args=(page, say), name="browser", daemon=True).start()
    if open_to_network:
        try:
            advert = Advert(name, server.host, server.port, web.port, say)
        except RealtimeError as error:
            say(str(error))
        else:
            parts.callback(advert.close)
    return int(web.port)


def _show(page: str, say: Callable[[str], None]) -> None:
    if not webbrowser.open(page):
        say(f"no browser was found; open {page} in a browser")
