"""A server to attack, and a performer who plays on it meanwhile."""

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

from bench.processes import family
from realtime.control.osc import encode
from realtime.control.protocol import Message
from realtime.synth.command_log import commands, read_header
from realtime.synth.commands import Trigger
from realtime.util.errors import RealtimeError

SERVER = "127.0.0.1"
PERFORMER = "127.0.0.2"  # an address of its own, because limits apply to each address
NAMES = 50  # number of preset names, which are reused
START_S, END_S, REPLY_S = 60.0, 30.0, 10.0
_values = cycle(range(1, 10_000))  # within the range of coordinates
UNIT = 1 / 65_536  # hit n of the performer has the velocity n * UNIT, which identifies it in the log


class Stage:
    """`realtime serve` without a sound card, with presets, takes, a recording and a log in a folder.

    Args:
        folder: folder of its files.
        model: the model that plays.
        name: name of the recording and the log.
        options: more options of `realtime serve`.
        prefix: words before the command.
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
        named = [str(word) for pair in files.items() for word in pair]
        command = [*prefix, sys.executable, "-m", "realtime", "serve", "--model", str(model), "--null"]
        command += ["--port", "0", "--quiet", *named, *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = int(self.said(r"^osc .*?:(\d+)")[1])
        self.web_port = int(self.said(r"^page .*?:(\d+)")[1])

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    def said(self, pattern: str) -> re.Match[str]:
        """Wait until the server prints a line that matches; return the match.

        Raises:
            RealtimeError: no such line came.
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
        """Ask the server to end; return its exit code and the time that this took, in s."""
        begun = time.monotonic()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_S)
        took = time.monotonic() - begun
        self.kill()
        return self.process.returncode, took

    def kill(self) -> None:
        """Kill the server and its worker at once, as a power failure would."""
        if self.process.poll() is None:
            for pid in family(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def tracebacks(self) -> list[str]:
        """The last line of each traceback that the server has printed."""
        starts = [at for at, line in enumerate(self.lines) if line.startswith("Traceback")]
        rests = (self.lines[at + 1 :] for at in starts)
        return ["traceback: " + next((line for line in rest if line[:1].strip()), "") for rest in rests]

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


class Caller:
    """Sends messages to a server from an address of its own, and receives the replies."""

    def __init__(self, port: int, address: str = SERVER, reply_s: float = REPLY_S) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.settimeout(reply_s)
        self._socket.connect((SERVER, port))

    def send(self, address: str, *arguments: Any) -> None:
        self._socket.send(encode(Message(address, arguments)))

    def ask(self, address: str, *arguments: Any) -> tuple[str, list[Any]]:
        """Send a message; return the address and the arguments of the reply.

        Raises:
            OSError: no reply came.
        """
        self.send(address, *arguments)
        reply = self._socket.recv(65_536)
        if not reply:
            raise ConnectionError("closed")
        message = OscMessage(reply)
        return message.address, list(message.params)

    def close(self) -> None:
        """Close the socket, which also ends another thread's wait for a reply."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)
        self._socket.close()


class Performer:
    """Hits ten times a second, and asks for a reply after each hit.

    Attributes:
        hits_s: monotonic time of each hit.
        slowest_s: the longest wait for a reply.
    """

    def __init__(self, port: int) -> None:
        self.hits_s: list[float] = []
        self.slowest_s = 0.0
        self._caller = Caller(port, PERFORMER)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        while not self._closing.wait(0.1):
            begun = time.monotonic()
            self.hits_s.append(begun)
            with contextlib.suppress(OSError):
                self._caller.send("/morph/trigger", len(self.hits_s) * UNIT)
                self._caller.ask("/ping")
            if not self._closing.is_set():
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun)

    def stop(self) -> None:
        """End after the current hit."""
        self._closing.set()
        self._thread.join()
        self._caller.close()

    def leave(self) -> None:
        """End without waiting for a reply."""
        self._closing.set()
        self._caller.close()
        self._thread.join()


class Storer:
    """Stores presets one after another, each with a point of its own.

    Attributes:
        kept: name -> first coordinate, for each store that `/morph/done` has confirmed.
        begun: name and coordinate of the store in progress, or None.
        stores: number of answered stores.
    """

    def __init__(self, port: int) -> None:
        self.kept: dict[str, float] = {}
        self.begun: tuple[str, float] | None = None
        self.stores = 0
        self._caller = Caller(port)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._store, daemon=True)
        self._thread.start()

    def _store(self) -> None:
        while not self._closing.is_set():
            name, value = f"preset {self.stores % NAMES}", float(next(_values))
            self.begun = name, value
            try:
                self._caller.send("/morph/z/0", value)
                answer, _ = self._caller.ask("/morph/preset/store", name)
            except OSError:
                return
            if answer == "/morph/done":
                self.kept[name] = value
                self.stores += 1
                self.begun = None

    def leave(self) -> None:
        """End without waiting for an answer."""
        self._closing.set()
        self._caller.close()
        self._thread.join()


def heard(log: Path, played: int) -> int:
    """Return the number of the performer's first `played` hits that a log holds.

    Raises:
        RealtimeError: the log cannot be read.
    """
    dim = read_header(log).latent_dim
    wanted = {number * UNIT for number in range(1, played + 1)}
    triggers = (command for _, command in commands(log, dim) if isinstance(command, Trigger))
    return len({trigger.velocity for trigger in triggers} & wanted)
