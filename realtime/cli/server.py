"""The server of `realtime serve`: receives messages, and runs the worker process, which plays the sound.

Messages arrive by OSC and through the surfaces: MIDI, the web page, OSCQuery, Ableton Link and plugin hosts
(DAWs). A host takes the sound through shared memory, the bridge.
"""

from __future__ import annotations

import gc
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.cli import surfaces
from realtime.cli.remark_lines import RemarkLines
from realtime.cli.surfaces import SurfaceConfig
from realtime.control.dispatcher import Control
from realtime.control.osc import Server, bind
from realtime.control.presets import PresetFile, default_presets
from realtime.control.protocol import HOST, NOBODY, PORT, Message
from realtime.control.senders import access
from realtime.live.config import SoundConfig
from realtime.live.rpc import RpcError
from realtime.live.supervisor import Facts, Supervisor
from realtime.model.names import Names
from realtime.surfaces.models import Models
from realtime.synth.commands import Panic
from realtime.util import install, priority
from realtime.util.errors import RealtimeError, over_progress, printable, say
from realtime.util.recordings import free
from realtime.util.signals import StopRequest, stop_on_signals

if TYPE_CHECKING:
    from realtime.audio.bridge_memory import BridgeFile
    from realtime.model.schema import ModelInfo, MorphInfo

WATCH_S = 0.1
BRIDGE_RATE_HZ = 48_000  # sample rate until a host requests another rate
START, END = "kick", "open hat"  # classes for the commands that the server prints at the start
HINT_MS = 300  # duration of the morph (the glide between two sounds) in these commands
# A model file may state a morph to try first, and the server then prints the command for that morph. For a
# model in the folder `BUNDLED`, however, the server prints the same commands as the documentation.
BUNDLED = Path(__file__).resolve().parents[1] / "bundled"
AGAIN_S = 10.0  # a worker that fails again within this time is restarted only with the previous model


@dataclass(frozen=True)
class ServeConfig:
    """Options of `realtime serve`; `realtime serve --help` describes each option.

    Attributes:
        sound: options of the worker process, which plays the sound.
        allow: addresses and networks that may send messages; if empty, all that can reach `host`.
        presets: file of presets; None selects the file in the user's data folder.
        dynamics: initial value of the setting `dynamics` for new hits, which is the effect of velocity on the
            timbre; used if velocity can change the timbre of the model.
        with_host: end when the last host has disconnected from the bridge.
        seconds: time until the server stops; None means no limit.
        surfaces: options of MIDI, the web page, OSCQuery and Link.
        quiet: do not print the outcome of messages.
        verbose: also print the components of the latencies, and details of model, device and decoder.
    """

    sound: SoundConfig
    host: str = HOST
    port: int = PORT
    allow: tuple[str, ...] = ()
    presets: Path | None = None
    restore: bool = False
    dynamics: float = 0.0
    with_host: bool = False
    seconds: float | None = None
    surfaces: SurfaceConfig = field(default_factory=SurfaceConfig)
    quiet: bool = False
    verbose: bool = False


def serve(config: ServeConfig) -> int:
    """Play until a signal arrives, a condition in `config` ends the server, or the worker cannot continue.

    Returns:
        The exit code: 1 if the worker has failed to render the sound, otherwise 0.

    Raises:
        RealtimeError: the server cannot start.
    """
    stopping = stop_on_signals()
    priority.before_ordinary(priority.CONTROL)
    priority.switch_often()
    access.check(config.host, config.allow)
    with ExitStack() as parts:
        listener = parts.enter_context(bind(config.host, config.port))
        bridge = surfaces.open_midi(config.surfaces, say)
        if bridge:
            parts.callback(bridge.close)
        host = _open_bridge(config.sound, parts)
        sound = Supervisor(config.sound, stopping.is_set)
        parts.callback(sound.close)
        send = _send(*listener.getsockname())
        preset_file = PresetFile(config.presets or default_presets(), say, send)
        control = Control(
            sound.info,
            sound.player,
            preset_file=preset_file,
            instruments=sound.instruments,
            takes=sound.takes,
            effects=sound.plugins,
        )
        if config.dynamics and control.space.expression.knows_velocity:
            control.handle([Message("/morph/dynamics", (config.dynamics,))], NOBODY)
        server = Server(control, listener, access.Access(config.allow))
        if config.restore:
            restored = control.restore()
            say(
                "continuing where the last session ended"
                if restored
                else "there is no earlier session of this model to restore"
            )
        started = ExitStack()
        gc.collect()
        try:
            introduction = sound.start()
            server.start()
            _print(introduction.lines | {"osc": f"{server.host}:{server.port}"})
            models = Models(lambda: sound.instruments.model, config.sound.library)
            started = surfaces.start(
                config.surfaces,
                bridge,
                server,
                access.Access(config.allow),
                models,
                config.sound.takes,
                sound.player.output_since,
                say,
                host,
            )
            if host is not None:
                stop = surfaces.start_bridge(config.surfaces, host, server, sound.player, models, say)
                started.callback(stop)
            _print(introduction.details if config.verbose else {})
            own = config.sound.model.resolve().parent != BUNDLED
            _print(_hints(control.info, control.info.morph if own else None, send))
            gc.freeze()
            tell = _ignore if config.quiet else say
            lines = (
                RemarkLines("refused", control.refusals, tell),
                RemarkLines("done", control.finished, tell),
            )
            _watch(stopping, config, sound, server, lines, host)
        finally:
            try:
                sound.player.submit([Panic()])  # fade out at once, while the other parts shut down
            except RpcError:
                sound.close()  # to end the threads that wait for a reply
            server.stop()
            _save(control)
            started.close()
            counts, failed = _stop(sound)
    _sum_up(counts)
    for log in sound.logs:
        _print({"render": _render(log)})
    return 1 if failed else 0


def _save(control: Control) -> None:
    try:
        control.close()
    except RealtimeError as error:
        say(str(error))


def _ignore(_: str) -> None:
    pass


def _open_bridge(config: SoundConfig, parts: ExitStack) -> BridgeFile | None:
    """Create the shared memory and return it if the device is a bridge; otherwise return None."""
    if config.bridge is None:
        return None
    from realtime.audio.bridge_memory import BridgeFile

    bridge = BridgeFile(config.bridge, len(config.outputs), config.rate or BRIDGE_RATE_HZ)
    parts.callback(bridge.close)
    return bridge


def _watch(
    stopping: StopRequest,
    config: ServeConfig,
    sound: Supervisor,
    server: Server,
    lines: Sequence[RemarkLines],
    host: BridgeFile | None,
) -> None:
    end = None if config.seconds is None else time.monotonic() + config.seconds
    begun_s: float | None = None
    while not stopping.is_set():
        for each in lines:
            each.print_latest()
        if host is not None:
            if config.with_host and not host.in_use:
                return
            if host.memory["host_rate"] not in (0, host.memory["rate"]):
                say(f"the host now runs at {host.memory['host_rate']} Hz; restarting the worker process")
                say("; ".join(["playing again", *_restart(sound, server, fault=False)]))
        if fault := sound.fault():
            again = begun_s is not None and time.monotonic() - begun_s < AGAIN_S
            if stopping.is_set() or (again and not sound.go_back()):
                return
            say(f"the worker process {fault}; restarting it")
            try:
                notes = _restart_after_fault(sound, server)
            except RealtimeError as error:
                say(str(error))
                return
            say("; ".join(["playing again with the last point", *notes]))
            begun_s = time.monotonic()
        left = WATCH_S if end is None else min(WATCH_S, end - time.monotonic())
        if left <= 0 or stopping.wait(left):
            return


def _restart(sound: Supervisor, server: Server, fault: bool = True) -> list[str]:
    """Restart the worker, and send it the point and the settings before it plays; return notes to print."""
    notes = sound.restart(fault)
    server.resume(sound.info)
    sound.start()
    return notes


def _restart_after_fault(sound: Supervisor, server: Server) -> list[str]:
    """Restart the worker, with the previous model if the current one cannot play; return notes to print."""
    try:
        return _restart(sound, server)
    except RealtimeError as error:
        if not sound.go_back():
            raise
        say(str(error))
        return _restart(sound, server)


def _stop(sound: Supervisor) -> tuple[Facts, bool]:
    try:
        return sound.stop()
    except RpcError as error:
        raise RealtimeError(f"{error}; presets are saved; start the server again") from error


def _print(lines: Mapping[str, str]) -> None:
    for name, text in lines.items():
        print(over_progress(printable(f"{name:<8} {text}"), sys.stdout), flush=True)


def _send(host: str, port: int) -> str:
    """Return the beginning of a command that sends a message to the server from its own machine."""
    return f"oscsend {HOST if host == '0.0.0.0' else host} {port}"


def _hints(info: ModelInfo, morph: MorphInfo | None, send: str) -> dict[str, str]:
    """Return two commands to try (a hit, and a morph between two sounds), and the key that stops the server.

    Args:
        info: metadata of the model.
        morph: the morph to try first, as stated in the model file, or None.
        send: beginning of a command that sends a message to the server.
    """

    def hit(name: str) -> str:
        return f"{send} /morph/trigger fs 1 {shlex.quote(name)}"

    classes = [each.name for each in info.classes]
    names = Names(classes)
    first = names.find(START) or classes[0]
    if morph:
        start, end, ms = classes[morph.start], classes[morph.end], morph.ms
    else:
        end = names.find(END) or next((name for name in reversed(classes) if name != first), first)
        start, ms = first, HINT_MS
    hints = {"try": hit(first)}
    if start != end:
        hints["and"] = f"{hit(start)}; {send} /morph/goto sf {shlex.quote(end)} {ms}"
    return hints | {"stop": "Ctrl-C"}


def _render(log: Path) -> str:
    """Return the command that renders a log to a new sound file in the current folder."""
    target = free(Path(f"{log.stem}.wav"))
    return f"{install.program('realtime')} render {shlex.quote(str(log))} -o {shlex.quote(str(target))}"


def _sum_up(counts: Facts) -> None:
    def count(name: str, noun: str, after: str = "") -> str:
        return f"{counts[name]} {noun}{'' if counts[name] == 1 else 's'}{after}"

    losses = (
        count("late_blocks", "late block"),
        count("xruns", "xrun"),
        count("shed", "voice", " shed"),
        count("muted", "chunk", " muted"),
        count("dropped", "command", " dropped"),
    )
    line = f"played {counts['seconds']:.1f} s, {count('hits', 'hit')}; {', '.join(losses)}"
    print(over_progress(line, sys.stdout), flush=True)
