"""Real programs for tests: our server, JACK with its dummy driver, other sound servers, and Pure Data.

Each program is a context manager that ends its process. Put `Server` and the recorder inside the context of
their JACK server, because PortAudio aborts if the JACK server ends first.
"""

from __future__ import annotations

import itertools
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

from realtime.model.decoder import Decoder
from tests.realtime.playing import whole

ROOT = Path(__file__).resolve().parents[2]
PATCHES = ROOT / "max_patches"
COMPRESSOR = Path("/usr/lib/vst3/ZamCompX2.vst3")  # installed by zam-plugins
TIMEOUT_S = 60.0  # for operations that take at most a second on an idle machine
MAX_DIFFERENCE = 1e-5  # between a recorded sample and the expected sample: -100 dB relative to full scale

P = TypeVar("P", bound="Process")

_numbers = itertools.count()


def program(name: str) -> str:
    """Return the path of an installed program; skip the test if it is missing (in CI, a skip is an error)."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def preloadable(source: str, folder: Path) -> Path:
    """Compile a C file, which lies beside this file, to a library for LD_PRELOAD; return its path."""
    library = (folder / source).with_suffix(".so")
    command = [program("cc"), "-shared", "-fPIC", "-o", str(library), str(Path(__file__).with_name(source))]
    subprocess.run([*command, "-ldl"], check=True, timeout=60)
    return library


def free_port() -> int:
    """Return a free UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(done: Callable[[], object], message: Callable[[], object] = str) -> None:
    """Call `done` until it returns a true value.

    Raises:
        AssertionError: `TIMEOUT_S` seconds have passed; `message` gives the error message.
    """
    end = time.monotonic() + TIMEOUT_S
    while not done():
        assert time.monotonic() < end, message()
        time.sleep(0.02)


class Process:
    """A program under test; its stdout and stderr are read while it runs."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str] | None = None, folder: Path = ROOT
    ) -> None:
        self.command = list(command)
        self.env = dict(env or {})
        self._lines: list[str] = []
        self._unseen: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            self.command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._lines.append(line.rstrip("\n"))
                self._unseen.put(line.rstrip("\n"))
        self._unseen.put(None)

    @property
    def pid(self) -> int:
        """Process id of the program."""
        return self._process.pid

    @property
    def output(self) -> str:
        """The lines of output so far."""
        return "\n".join(self._lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait for the next line of output that matches the pattern, and return the match."""
        end = time.monotonic() + TIMEOUT_S
        while (left := end - time.monotonic()) > 0:
            try:
                line = self._unseen.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                raise AssertionError(f"{self.command} ended without printing {pattern!r}:\n{self.output}")
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"{self.command} did not print {pattern!r} in {TIMEOUT_S:g} s:\n{self.output}")

    def say(self, line: str) -> None:
        """Write a line to the standard input of the program."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def finish(self) -> int:
        """Wait until the program ends by itself; return its exit code."""
        code = self._process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait until the program ends; return the exit code.

        If the program does not end in time, kill it and raise AssertionError.
        """
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self.finish()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.finish()
            raise AssertionError(f"{self.command} did not end after the signal:\n{self.output}") from None

    def _wait_until_done(self, name: str, *arguments: str) -> None:
        """Run another program, in the environment of this one, repeatedly until it succeeds."""
        command, env = [program(name), *arguments], {**os.environ, **self.env}
        wait_until(
            lambda: subprocess.run(command, env=env, capture_output=True).returncode == 0, lambda: self.output
        )

    def __enter__(self: P) -> P:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._process.stdin is not None:
            self._process.stdin.close()


class Server(Process):
    """`realtime serve` on a free port, ready to play. Headroom is turned off, to leave samples unscaled.

    Args:
        model: the initial model.
        arguments: additional arguments of `realtime serve`.
        env: additional environment variables.
        program: the arguments with which Python runs `realtime`.
        prefix: words that precede the command, such as a wrapper program.
    """

    def __init__(
        self,
        model: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "realtime"),
        prefix: Sequence[str] = (),
    ) -> None:
        serve = ["serve", "--model", str(model), "--port", "0", "--headroom", "0", *arguments]
        super().__init__([*prefix, sys.executable, *program, *serve], env)
        try:
            self.port = int(self.wait_for(r"^osc .*?:(\d+)")[1])
        except BaseException:
            self.stop()
            raise
        self._client = SimpleUDPClient("127.0.0.1", self.port)
        self._client._sock.settimeout(TIMEOUT_S)

    @property
    def worker_pid(self) -> int:
        """Process id of the worker, the process of the server that renders the sound (Linux)."""
        (worker,) = workers(self.pid)
        return worker

    def send(self, address: str, *arguments: float | str) -> None:
        """Send an OSC message."""
        self._client.send_message(address, arguments)

    def ask(self, address: str, *arguments: float | str) -> tuple[str, list[float | str]]:
        """Send an OSC message; return the address and arguments of its reply, and discard other replies."""
        self.send(address, *arguments)
        reply = address.replace("/get/", "/") + ".reply"
        while True:
            answer = self.receive()
            if "/get/" not in address or answer[0] == reply:
                return answer

    def receive(self) -> tuple[str, list[float | str]]:
        """Wait for the next reply, and return its address and arguments."""
        answer = OscMessage(self._client._sock.recv(65536))
        return answer.address, list(answer.params)

    def discard_replies(self) -> None:
        """Discard replies that have arrived or are still on their way."""
        self._client._sock.settimeout(0.1)
        with suppress(TimeoutError):
            while True:
                self.receive()
        self._client._sock.settimeout(TIMEOUT_S)

    def status(self) -> dict[str, float | str]:
        """Return the status that the server reports."""
        _, pairs = self.ask("/morph/get/status")
        return {str(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}

    def wait_until(self, **wanted: float) -> None:
        """Wait until the reported status has these values."""
        end = time.monotonic() + TIMEOUT_S
        while any((now := self.status())[key] != value for key, value in wanted.items()):
            assert time.monotonic() < end, f"{wanted} never came: {now}\n{self.output}"
            time.sleep(0.02)

    def play_for(self, seconds: float) -> None:
        """Wait until the server has rendered `seconds` more seconds of sound."""
        end = float(self.status()["seconds"]) + seconds
        while float(self.status()["seconds"]) < end:
            time.sleep(0.005)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if client := getattr(self, "_client", None):
            client._sock.close()
        return super().stop(number)


class Jack(Process):
    """A private JACK server with two outputs that lead nowhere.

    Args:
        period: the number of samples in a cycle.
        name: the name of the server; None makes a new one.
        synchronous: True makes the server wait for every client in each cycle, however long the client takes.

    Attributes:
        name: the name of the server.
        period: the number of samples in a cycle.
        env: environment variables that make a program use this server.
    """

    sample_rate = 48_000

    def __init__(self, period: int = 128, name: str | None = None, synchronous: bool = True) -> None:
        self.period = period
        self.name = name or f"soundmorph-{os.getpid()}-{next(_numbers)}"
        env = {
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
        }
        realtime = ["-R", "-P", "70"] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["-r"]
        dummy = ["-d", "dummy", "-r", str(self.sample_rate), "-p", str(period), "-C", "2", "-P", "2"]
        waits = ["-S", "-t", "20000"] if synchronous else []
        super().__init__([program("jackd"), "-n", self.name, *realtime, *waits, *dummy], env)

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let JACK clients in this process connect to this server."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    def wait(self) -> None:
        """Wait until clients can connect."""
        self._do("jack_wait", "-w", "-t", "20")

    def connect(self, output: str, to: str) -> None:
        """Connect two ports."""
        self._do("jack_connect", output, to)

    def disconnect(self, output: str, to: str) -> None:
        """Disconnect two ports."""
        self._do("jack_disconnect", output, to)

    def _do(self, name: str, *arguments: str) -> None:
        command = [program(name), "-s", self.name, *arguments]
        subprocess.run(command, env={**os.environ, **self.env}, check=True, capture_output=True, timeout=30)

    def pause(self) -> None:
        """Stop the process until `resume` is called; in between, only SIGKILL ends the process.

        The signal reaches one thread, which stops the other threads. The other threads continue until this
        thread is scheduled; the method therefore waits until all threads have stopped.
        """
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Continue the process after `pause`."""
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def recording(self, path: Path, seconds: int = 60) -> Iterator[Process]:
        """Record the outputs to `path` (.npy: float32 [samples, 2]) during the `with` statement."""
        with _jack_recording(path, self.env, seconds=seconds) as recorder:
            yield recorder
        assert recorder.finish() == 0, recorder.output


class Pulse(Process):
    """A private PulseAudio server with one null sink, `card`. PortAudio uses it through ALSA.

    Args:
        folder: the folder of the socket; a later server with the same folder replaces this one.

    Attributes:
        env: environment variables that make a program use this server.
        prefix: words that precede the command of such a program.
        device: the name of the card in PortAudio.
    """

    sample_rate = 48_000
    prefix: Sequence[str] = ()
    device = "pulse (ALSA)"

    def __init__(self, folder: Path) -> None:
        place = folder / "pulse"
        env = {"PULSE_SERVER": f"unix:{place}", "PULSE_RUNTIME_PATH": str(folder / "runtime")}
        card = f"module-null-sink sink_name=card format=float32le rate={self.sample_rate} channels=2"
        door = f"module-native-protocol-unix auth-anonymous=1 socket={place}"
        options = ["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--log-level=notice"]
        super().__init__([program("pulseaudio"), *options, "-L", card, "-L", door], env)
        self._wait_until_done("pactl", "info")

    @contextmanager
    def recording(self, path: Path) -> Iterator[None]:
        """Record the sound of the card to `path` (.npy: float32 [samples, 2]); it may have gaps."""
        raw = path.with_suffix(".raw")
        raw.unlink(missing_ok=True)
        shape = ["--format=float32le", f"--rate={self.sample_rate}", "--channels=2", "--latency-msec=20"]
        with Process([program("parec"), "--device=card.monitor", "--raw", *shape, str(raw)], self.env):
            wait_until(lambda: raw.exists() and raw.stat().st_size)
            yield
            time.sleep(0.5)  # for sound that is still on its way
        np.save(path, np.fromfile(raw, np.float32).reshape(-1, 2))


class PipeWire(Process):
    """A private PipeWire server with one null sink, `card`. Programs use it as its JACK clients.

    The arguments and attributes are those of `Pulse`.
    """

    sample_rate = 48_000
    device = "card (JACK Audio Connection Kit)"

    def __init__(self, folder: Path) -> None:
        runtime = folder / "pipewire"
        runtime.mkdir(mode=0o700, exist_ok=True)
        self.prefix = [program("pw-jack")]
        env = {
            "PIPEWIRE_RUNTIME_DIR": str(runtime),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(folder),
            "PIPEWIRE_QUANTUM": f"128/{self.sample_rate}",
        }
        super().__init__([program("pipewire")], env)
        card = (
            "{ factory.name=support.null-audio-sink node.name=card node.description=card object.linger=true "
            f"media.class=Audio/Sink audio.rate={self.sample_rate} audio.position=[FL FR] "
            "adapter.auto-port-config={ mode=dsp monitor=true position=preserve } }"
        )
        self._wait_until_done("pw-cli", "info", "0")
        self._wait_until_done("pw-cli", "create-node", "adapter", card)

    @contextmanager
    def recording(self, path: Path) -> Iterator[None]:
        """Record the sound of the card; see `Pulse.recording`."""
        with _jack_recording(path, self.env, prefix=self.prefix):
            yield


@contextmanager
def _jack_recording(
    path: Path, env: Mapping[str, str], *, prefix: Sequence[str] = (), seconds: int = 60
) -> Iterator[Process]:
    command = [*prefix, sys.executable, "-m", "tests.system.recorder", str(path), str(seconds)]
    with Process(command, env) as recorder:
        recorder.wait_for("^recording$")
        yield recorder
        recorder.say("enough")
        recorder.finish()


class Pd(Process):
    """Pure Data without a window. It opens patches and sends `messages` ("receiver arguments") to them.

    With the `env` of a JACK server, Pd is a client of this server. The JACK server must end before Pd,
    because Pd does not disconnect properly, and a synchronous server waits a long time for a killed client.
    """

    def __init__(self, *patches: Path, messages: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        opens = [word for patch in patches for word in ("-open", str(patch))]
        sends = [word for message in messages for word in ("-send", message)]
        audio = ["-jack", "-channels", "2", "-callback", "-path", str(PATCHES)] if env else ["-noaudio"]
        super().__init__(
            [program("pd"), "-nogui", "-nomidi", "-noprefs", "-stderr", *audio, *opens, *sends], env
        )


def workers(pid: int) -> list[int]:
    """Return the process ids of a server's workers, the processes that render the sound (Linux)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = []
    for child in map(int, children):
        with suppress(FileNotFoundError, ProcessLookupError):  # this child has ended
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


def onset(sound: NDArray[Any]) -> int:
    """Return the index of the first sample of `sound` [T] that is not 0."""
    heard = np.flatnonzero(sound)
    assert len(heard), "nothing but silence"
    return int(heard[0])


def expected(model: Path, z: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return the sound at z [D], a position in latent space, at `rate` Hz.

    The sound is decoded in one call and resampled in one call.
    """
    return whole(Decoder(model, capacity=1), z, rate)


def assert_recording_equals_log(
    log: Path, recorded: Path, at_least_s: float, floor: float = 0.0
) -> NDArray[np.float32]:
    """Assert that a recording equals the sound rendered from its log.

    The comparison starts at the first sample above `floor` of each sound.

    Returns:
        The recorded sound after the end of the rendering: float32 [T, C].
    """
    take = log.with_suffix(".wav")
    command = [sys.executable, "-m", "realtime", "render", str(log), "-o", str(take)]
    command += ["--trust-plugins"]  # the test itself has written the log
    done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    assert "realtime:" not in done.stderr
    rendered, rate = soundfile.read(take, dtype="float32", always_2d=True)
    assert rate == Jack.sample_rate
    heard, rendered = (sound[onset(np.abs(sound[:, 0]) > floor) :] for sound in (np.load(recorded), rendered))
    length = min(len(heard), len(rendered))
    difference = float(np.abs(heard[:length] - rendered[:length]).max())
    print(f"\n{length / rate:.1f} s: {20 * np.log10(difference + 1e-12):.1f} dB")
    assert length > at_least_s * rate
    assert np.abs(rendered[:length]).max() > 1000 * MAX_DIFFERENCE
    assert difference < MAX_DIFFERENCE
    assert np.abs(rendered[length:]).max(initial=0.0) < MAX_DIFFERENCE
    return np.asarray(heard[length:])
