"""Starts `realtime serve` as a process and tells it by OSC when to load a new version of the model."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pythonosc.osc_message_builder import build_msg

from realtime import __main__ as realtime
from realtime.control.osc import bind

READY = "/morph/get/info"
"""A request that the server answers as soon as it is playing."""
ASK_S = 0.2
"""Time in seconds between two requests."""
CHECK_S = 0.2
"""Time in seconds between two checks whether `Server.wait` is to stop."""
END_S = 10.0
"""Longest time in seconds to wait for the server to end; then it is killed."""


class Server:
    """A server that plays one model file. `play` starts the server, then makes it load new versions.

    The server keeps playing if this process is killed.

    Args:
        model: the decoder file. Its folder becomes the server's library: messages may name its files.
        options: further options of `realtime serve`.

    Raises:
        RealtimeError: another program is listening on the server's port.
    """

    def __init__(self, model: Path, options: Sequence[str]) -> None:
        self._model = model
        self._words = ["serve", "--model", str(model), "--library", str(model.parent), *options]
        args = realtime.get_parser().parse_args(self._words)
        if not args.port:
            args.port = _free_port()
            self._words += ["--port", str(args.port)]
        bind(args.host, args.port).close()  # reports a port in use now, not after the first version is made
        host = "127.0.0.1" if args.host == "0.0.0.0" else args.host
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, args.port))
        self._process: subprocess.Popen[bytes] | None = None

    def play(self, stop: Callable[[], bool]) -> None:
        """Start the server and wait until it is playing; if it is running already, make it reload the model.

        The server loads the file without a break in the sound.

        Args:
            stop: returns True to end the wait.
        """
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._send("/morph/model", self._model.name)
            return
        self._process = subprocess.Popen([sys.executable, "-m", "realtime", *self._words])
        self._socket.settimeout(ASK_S)
        while not self.ended and not stop():
            with contextlib.suppress(OSError):
                self._send(READY)
                self._socket.recv(4096)
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(ASK_S)

    @property
    def started(self) -> bool:
        """True if the server has been started."""
        return self._process is not None

    @property
    def ended(self) -> bool:
        """True if the server has ended."""
        return self._process is not None and self._process.poll() is not None

    def wait(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Wait until the server ends, and return its exit code; return 0 if `stop` returns True earlier."""
        while self._process is not None and not stop():
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(CHECK_S)
        return 0

    def close(self) -> None:
        """End the server if it is still running."""
        self._socket.close()
        if self._process is None:
            return
        if not self.ended:
            self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, address: str, *arguments: str) -> None:
        self._socket.send(build_msg(address, list(arguments)).dgram)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])
