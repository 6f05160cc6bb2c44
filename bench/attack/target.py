"""The server under attack, a performer who plays it, and a client that stores presets."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from pythonosc.osc_message import OscMessage

from bench.machine.processes import process_tree
from realtime.control.osc import encode
from realtime.control.protocol import Message
from realtime.synth.command_log import commands, read_header
from realtime.synth.commands import Trigger
from realtime.util.errors import RealtimeError

SERVER = "127.0.0.1"
PERFORMER = "127.0.0.2"  # not the attackers' address, because the access rules limit each address separately
NAMES = 50  # number of preset names, which are reused in turn
START_S, END_S, REPLY_S = 60.0, 30.0, 10.0  # maximum waits: for a line of output, for the end, for a reply
_coordinates = cycle(range(1, 10_000))  # first coordinates for presets; the server accepts these values
VELOCITY_STEP = 1 / 65_536  # the velocity of hit n is n times this step, which identifies the hit in the log


class Target:
    """A running `realtime serve` without a sound card, with presets, takes, recording and log in a folder.

    Args:
        folder: the folder for these files.
        model: the model to play.
        name: file name of the recording and the log, without suffix.
        options: further options of `realtime serve`.
        prefix: words to put before the command, such as the name of a program that runs the command.
    """

    def __init__(
        self,
        folder: Path,
        model: Path,
        name: str = "set",
        options: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.presets, self.takes = folder / "presets.json", folder / "takes"
        self.log, self.recording = folder / f"{name}.jsonl", folder / f"{name}.wav"
        files = {
            "--presets": self.presets,
            "--takes": self.takes,
            "--log": self.log,
            "--record": self.recording,
        }
        file_options = [str(word) for pair in files.items() for word in pair]
        command = [*prefix, sys.executable, "-m", "realtime", "serve", "--model", str(model), "--null"]
        command += ["--port", "0", "--quiet", *file_options, *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = int(self.wait_for(r"^osc .*?:(\d+)")[1])
        self.web_port = int(self.wait_for(r"^page .*?:(\d+)")[1])

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the server prints a line that matches a pattern; return the match.

        Raises:
            RealtimeError: the server ended, or `START_S` passed, before it printed such a line.
        """
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            for line in tuple(self.lines):
                if match := re.search(pattern, line):
                    return match
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.01)
        raise RealtimeError(f"the server did not print {pattern!r}: {' | '.join(self.lines[-3:])}")

    def end(self) -> tuple[int, float]:
        """Terminate the server; return its exit code and the time until it ended, in seconds."""
        begun = time.monotonic()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_S)
        elapsed_s = time.monotonic() - begun
        self.kill()
        return self.process.returncode, elapsed_s

    def kill(self) -> None:
        """Kill the server and its worker without warning, as if the power failed."""
        if self.process.poll() is None:
            for pid in process_tree(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def tracebacks(self) -> list[str]:
        """Last line of each traceback that the server has printed."""
        starts = [at for at, line in enumerate(self.lines) if line.startswith("Traceback")]
        rests = (self.lines[at + 1 :] for at in starts)
        return ["traceback: " + next((line for line in rest if line[:1].strip()), "") for rest in rests]

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


class Client:
    """An OSC client: sends messages from its own address, and receives the replies."""

    def __init__(self, port: int, address: str = SERVER, reply_s: float = REPLY_S) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.settimeout(reply_s)
        self._socket.connect((SERVER, port))

    def send(self, address: str, *arguments: Any) -> None:
        """Send a message to the server."""
        self._socket.send(encode(Message(address, arguments)))

    def request(self, address: str, *arguments: Any) -> tuple[str, list[Any]]:
        """Send a message and wait for the reply; return the reply's address and arguments.

        Raises:
            OSError: no reply came in time, or the socket was closed.
        """
        self.send(address, *arguments)
        reply = self._socket.recv(65_536)
        if not reply:
            raise ConnectionError("closed")
        message = OscMessage(reply)
        return message.address, list(message.params)

    def close(self) -> None:
        """Close the socket; this ends a `request` that is waiting in a different thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)
        self._socket.close()


class Performer:
    """Simulates a performer: plays ten hits a second, and pings the server after each hit.

    Attributes:
        hits_s: monotonic time of each hit, in seconds.
        slowest_s: longest wait for a reply, in seconds.
    """

    def __init__(self, port: int) -> None:
        self.hits_s: list[float] = []
        self.slowest_s = 0.0
        self._client = Client(port, PERFORMER)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        while not self._closing.wait(0.1):
            begun = time.monotonic()
            self.hits_s.append(begun)
            with contextlib.suppress(OSError):
                self._client.send("/morph/trigger", len(self.hits_s) * VELOCITY_STEP)
                self._client.request("/ping")
            if not self._closing.is_set():
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun)

    def stop(self) -> None:
        """End after the current hit and the reply to the ping."""
        self._closing.set()
        self._thread.join()
        self._client.close()

    def leave(self) -> None:
        """End at once."""
        self._closing.set()
        self._client.close()
        self._thread.join()


class Storer:
    """Stores presets one after another, each with a different z (position in the latent space).

    Attributes:
        kept: first coordinate of each preset that `/morph/done` has confirmed, by name.
        begun: name and first coordinate of the preset that is being stored, or None.
        stores: number of confirmed stores.
    """

    def __init__(self, port: int) -> None:
        self.kept: dict[str, float] = {}
        self.begun: tuple[str, float] | None = None
        self.stores = 0
        self._client = Client(port)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._store, daemon=True)
        self._thread.start()

    def _store(self) -> None:
        while not self._closing.is_set():
            name, value = f"preset {self.stores % NAMES}", float(next(_coordinates))
            self.begun = name, value
            try:
                self._client.send("/morph/z/0", value)
                answer, _ = self._client.request("/morph/preset/store", name)
            except OSError:
                return
            if answer == "/morph/done":
                self.kept[name] = value
                self.stores += 1
                self.begun = None

    def leave(self) -> None:
        """End at once."""
        self._closing.set()
        self._client.close()
        self._thread.join()


def logged(log: Path, played: int) -> int:
    """Return how many of the performer's first `played` hits are in a log.

    Raises:
        RealtimeError: the log cannot be read.
    """
    dim = read_header(log).latent_dim
    velocities = {number * VELOCITY_STEP for number in range(1, played + 1)}
    triggers = (command for _, command in commands(log, dim) if isinstance(command, Trigger))
    return len({trigger.velocity for trigger in triggers} & velocities)
