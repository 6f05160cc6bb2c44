"""The server's end of a bridge, memory shared with the soundmorph plugin in a host (a DAW).

A thread turns the events that the plugin sends (OSC, MIDI, parameters, beats) into commands, each with the
sample at which it takes effect. The thread also publishes the server's state, which the host stores in its
project, and restores the state from a project that the host opens.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import mido

from realtime.audio.bridge_memory import BEAT, MIDI, OSC, PARAMETER, BridgeFile
from realtime.control import osc, project
from realtime.control.osc import Server
from realtime.control.protocol import Message
from realtime.surfaces.midi import Mapper
from realtime.surfaces.models import Models
from realtime.surfaces.project_model import ProjectModel
from realtime.util import outside
from realtime.util.errors import RealtimeError
from realtime.util.outside import OutsideError

PARAMETERS = ("from", "to", "position", "x", "y", *(f"macro/{i}" for i in range(4)), "gain", "dynamics")
_PARAMETER = struct.Struct("=If")  # index in PARAMETERS, value
_BEAT = struct.Struct("=dd")  # beat, tempo in beats per minute
WAKE_S = 0.1  # longest wait for a signal from the plugin
STATE_S = 0.25  # interval between checks of the state
MODEL_S = 30.0  # time limit for the switch to a project's model
STOP_S = 0.5
MAX_FAULTS = 20


class BridgeSurface:
    """Handles the events of a bridge on a thread of its own.

    Args:
        bridge: the file with the shared memory.
        mapper: converts the host's MIDI messages to OSC messages.
        handled: tells the worker process how many bytes of events have been turned into commands.
        models: the current model, and the models to which a project may switch.
        say: receives a line for each refused message; equal lines only once.
    """

    def __init__(
        self,
        bridge: BridgeFile,
        mapper: Mapper,
        handled: Callable[[int], None],
        models: Models,
        say: Callable[[str], None],
    ) -> None:
        self._memory, self._mapper, self._models, self._say = bridge.memory, mapper, models, say
        self._model = ProjectModel(bridge.path, models)
        self._tell_handled = handled
        self._values = {"from": 0.0, "to": 0.0, "position": 0.0, "x": 0.5, "y": 0.5}
        self._faults: list[str] = []
        self._wanted: project.Project | None = None  # the project that waits until its model is playing
        self._until_s = 0.0
        self._published = ""
        self._closing = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(WAKE_S)
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)

    def start(self, server: Server) -> None:
        """Start the thread."""
        self._server = server
        self._memory["events_port"] = self._socket.getsockname()[1]
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._closing = True
        self._thread.join(STOP_S)
        self._socket.close()

    def _run(self) -> None:
        due_s = 0.0
        while not self._closing:
            with contextlib.suppress(OSError):
                self._socket.recv(8)
            try:
                self._take_events()
                if time.monotonic() >= due_s:
                    self._exchange_states()
                    due_s = time.monotonic() + STATE_S
            except RealtimeError as error:  # no engine is running at the moment, or an event is damaged
                logging.getLogger(__name__).debug("bridge: %s", error)
            except Exception:  # a bug must not end the performance
                logging.getLogger(__name__).exception("while handling an event of the bridge")

    # ---- events

    def _take_events(self) -> None:
        memory = self._memory
        taken = False
        try:
            for position, epoch, kind, content in memory.events():
                taken = True
                if epoch == memory["epoch"]:
                    self._handle(self._messages(kind, content), position)
        finally:
            if taken:
                self._tell_handled(memory["events_read"])

    def _handle(self, messages: Sequence[Message], position: int | None = None) -> None:
        if messages:
            for answer in self._server.handle(messages, at=position):
                if answer.address == "/morph/error":
                    self._report(" ".join(map(str, answer.arguments)))

    def _messages(self, kind: int, content: bytes) -> tuple[Message, ...]:
        try:
            if kind == OSC:
                return tuple(message for packet in osc.parse(content) for message in packet.messages)
            if kind == MIDI:
                return self._mapper.feed(mido.Message.from_bytes(list(content)), time.monotonic())
            if kind == PARAMETER:
                return tuple(self._turned(*_PARAMETER.unpack(content)))
            if kind == BEAT:
                return (Message("/morph/seq/beat", _BEAT.unpack(content)),)
        except (RealtimeError, ValueError, IndexError, struct.error) as error:
            self._report(f"an event cannot be read: {error}")
        return ()

    def _turned(self, index: int, value: float) -> Iterator[Message]:
        """Yield the message for a plugin parameter that the host has changed."""
        name = PARAMETERS[index]
        if name in self._values:
            self._values[name] = value
        match name:
            case "from" | "to" | "position":
                classes = [each.name for each in self._server.control.info.classes]
                ends = [classes[min(int(self._values[end]), len(classes) - 1)] for end in ("from", "to")]
                yield Message("/morph/between", (*ends, self._values["position"]))
            case "x" | "y":
                yield Message("/morph/xy", (self._values["x"], self._values["y"]))
            case "dynamics" if not self._server.control.space.expression.knows_velocity:
                return
            case _:
                yield Message(f"/morph/{name}", (value,))

    def _report(self, text: str) -> None:
        if text not in self._faults and len(self._faults) < MAX_FAULTS:
            self._faults.append(text)
            self._say(f"from the host: {text}")

    # ---- states

    def _exchange_states(self) -> None:
        self._model.share()
        if (text := self._memory.read_project()) is not None:
            self._open(text)
        if self._wanted is not None:
            self._restore_when_ready()
        self._memory["faults"] = len(self._faults)
        if self._wanted is None:
            self._memory.project_done()
        state = self._server.with_control(lambda control: project.project(control, self._models.playing()))
        state["classes"] = [each.name for each in self._server.control.info.classes]
        state["faults"] = self._faults
        state["project"] = self._memory["project_read"]
        content = json.dumps(state, ensure_ascii=False)
        if content != self._published:
            self._memory.write_state(content)
            self._published = content

    def _open(self, text: str) -> None:
        """Accept the state of a project; if the project's model is not playing, begin to switch to it."""
        self._faults.clear()
        self._wanted = None
        try:
            found = outside.from_json(text, nulls=True)
            if not isinstance(found, dict) or found.get(project.FORMAT) != project.VERSION:
                raise OutsideError(f"not {project.FORMAT} version {project.VERSION}")
        except OutsideError as error:
            self._report(f"the project's state cannot be read: {error}")
            return
        self._wanted, self._until_s = found, time.monotonic() + MODEL_S
        if self._server.with_control(lambda control: project.differs(found, control)):
            name = self._found(*project.model_of(found))
            if name is None or name == self._server.control.info.name:
                self._until_s = 0.0
            else:
                self._handle([Message("/morph/model", (name,))])

    def _found(self, name: str, checksum: str) -> str | None:
        try:
            return self._model.find(name, checksum)
        except RealtimeError as error:
            self._report(str(error))
            return None

    def _restore_when_ready(self) -> None:
        """Restore the project once its model is playing; after a time-out, only parts that need no model."""
        wanted = self._wanted
        assert wanted is not None
        waits = self._server.with_control(lambda control: project.differs(wanted, control))
        if not waits or time.monotonic() >= self._until_s:
            self._wanted = None
            if waits:
                self._model.drop()
            for fault in self._server.with_control(lambda control: project.restore(wanted, control)):
                self._report(fault)
