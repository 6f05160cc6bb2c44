"""The drills of `bench.attack`: each attacks one server in one way while a simulated performer plays."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
import soundfile

from bench.attack.fuzz import Fuzz
from bench.attack.hostile import mutate
from bench.attack.target import SERVER, Client, Performer, Storer, Target, logged
from bench.machine.processes import memory_mb, process_tree
from realtime.model import schema, verify
from realtime.synth.command_log import commands, read_header
from realtime.util.errors import RealtimeError

LONGEST_END_S = 2.0
SENDERS = 4
WAIT_S = 5.0  # duration of the drills with idle sockets and with a full disk
EXCLUDED = ("/morph/reverse",)
"""Addresses that `Fuzz` leaves out, because they would reverse the performer's hits.

A reversed hit waits until its complete sound is decoded. If a random datagram requests a panic during this
wait, the hit is dropped."""
PATIENT_S = 120.0  # longest wait for a model to load on a busy machine
WRITTEN_S = 0.3  # time after which the log of a hit has reached the operating system: FLUSH_S plus a margin


@dataclass
class Result:
    """The outcome of a drill.

    Attributes:
        done: description of the attack.
        logged: number of the performer's hits that are in the server's log.
        played: number of hits that the performer played.
        slowest_s: longest time that the performer waited for a reply, in seconds.
        end_s: time from SIGTERM to the end of the server, in seconds.
        faults: descriptions of errors, such as crashes and lost presets.
    """

    done: str = ""
    logged: int = 0
    played: int = 0
    slowest_s: float = 0.0
    end_s: float = 0.0
    faults: list[str] = field(default_factory=list)


Attack = Callable[[Target, Result], str]


def drill(
    folder: Path, model: Path, attack: Attack, options: Sequence[str] = (), prefix: Sequence[str] = ()
) -> Result:
    """Start a server and a performer, attack, end the server, and return the result.

    Args:
        folder: the folder for the server's files.
        model: the model that the server plays.
        attack: attacks the server; returns a description, and may add faults to the result.
        options: further options of `realtime serve`.
        prefix: words to put before the server's command.
    """
    result = Result()
    with Target(folder, model, options=options, prefix=prefix) as target:
        performer = Performer(target.port)
        try:
            result.done = attack(target, result)
        except (OSError, RealtimeError) as error:
            result.faults.append(f"{type(error).__name__}: {error}")
        performer.stop()
        code, result.end_s = target.end()
        result.played, result.slowest_s = len(performer.hits_s), performer.slowest_s
        if code:
            result.faults.append(f"exit code {code}")
        result.faults += target.tracebacks
        if any("restarting" in line for line in target.lines):
            result.faults.append("the worker was restarted")
        if result.end_s > LONGEST_END_S:
            result.faults.append(f"ended after {result.end_s:.1f} s")
        try:
            result.logged = logged(target.log, result.played)
        except RealtimeError as error:
            result.faults.append(str(error))
    return result


def datagrams(count: int, seed: int, model: Path) -> Attack:
    """Return an attack that sends `count` datagrams of various kinds, as fast as possible.

    Args:
        model: the model that the server plays.
    """
    dimensions = verify.read(model).info.latent_dim

    def attack(target: Target, result: Result) -> str:
        with ExitStack() as parts:
            senders = [
                parts.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(SENDERS)
            ]
            fuzz, begun = Fuzz(seed, dimensions, EXCLUDED), time.monotonic()
            for number in range(count):
                senders[number % SENDERS].sendto(fuzz.next(), (SERVER, target.port))
            elapsed_s = time.monotonic() - begun
        return f"{count:,} datagrams, {count / elapsed_s:,.0f} a second"

    return attack


def models(count: int, live: int, seed: int, model: Path, folder: Path) -> Attack:
    """Return an attack that loads hostile models: `count` in a separate process, `live` in the server.

    Args:
        model: the model from which hostile models are made.
        folder: the server's library of models.
    """

    def attack(target: Target, result: Result) -> str:
        command = [sys.executable, "-m", "bench.attack.hostile", str(model), str(count), str(seed)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        plain = onnx.load(str(model))
        del plain.metadata_props[-1]
        chance, refused = random.Random(seed), 0
        with closing(Client(target.port, reply_s=PATIENT_S)) as client:
            for _ in range(live):
                hostile = onnx.ModelProto()
                hostile.CopyFrom(plain)
                mutate(hostile, chance)
                (folder / "hostile.onnx").write_bytes(schema.add_checksum(hostile.SerializeToString()))
                refused += client.request("/morph/model", "hostile.onnx")[0] == "/morph/error"
        output, _ = process.communicate()
        if process.returncode:
            result.faults.append(f"a hostile model ended the process with exit code {process.returncode}")
            return f"{count:,} models"
        counts = json.loads(output)
        return (
            f"{count + live:,} hostile models, {counts['refused'] + refused:,} refused; "
            f"{live} of them to the server"
        )

    return attack


def changes(count: int, names: list[str]) -> Attack:
    """Return an attack that switches models `count` times, and reads the OSCQuery tree before each switch.

    Args:
        names: names of the models to switch to, in turn.
    """

    def attack(target: Target, result: Result) -> str:
        sizes = []
        with closing(Client(target.port, reply_s=PATIENT_S)) as client:
            for number in range(count):
                status = _get(target, "/")
                if status not in (200, 503):
                    result.faults.append(f"GET / answers {status}")
                if client.request("/morph/model", names[number % len(names)])[0] != "/morph/done":
                    result.faults.append("a change was refused")
                sizes.append(memory_mb(target.process.pid))
        return f"{count} changes of model; memory {sizes[len(names) - 1]:.0f} → {sizes[-1]:.0f} MB"

    return attack


def idle(count: int) -> Attack:
    """Return an attack that keeps `count` silent connections to OSCQuery open while it queries OSCQuery."""

    def attack(target: Target, result: Result) -> str:
        with ExitStack() as parts:
            for _ in range(count):
                parts.enter_context(socket.create_connection((SERVER, target.web_port)))
            end = time.monotonic() + WAIT_S
            while time.monotonic() < end:
                if (status := _get(target, "/?HOST_INFO")) != 200:
                    result.faults.append(f"GET answers {status}")
                time.sleep(0.1)
        return f"{count} idle sockets"

    return attack


def full_disk(target: Target, result: Result) -> str:
    """Wait until a full disk has stopped the recording, and let the server continue to play for a few
    seconds.

    The server behaves as on a full disk because it was started with a limit on the size of files.
    """
    target.wait_for("recording stopped, playing continues")
    time.sleep(WAIT_S)
    return "a full disk"


def two_servers(folder: Path, model: Path, count: int) -> Attack:
    """Return an attack that stores `count` presets in each of two servers that share a preset file."""

    def attack(target: Target, result: Result) -> str:
        with (
            Target(folder, model, "other") as other,
            closing(Client(target.port)) as one,
            closing(Client(other.port)) as two,
        ):
            stored = set()
            for number in range(count):
                for which, client in enumerate((one, two)):
                    name = f"preset {number} of {which}"
                    if client.request("/morph/preset/store", name)[0] == "/morph/done":
                        stored.add(name)
            other.end()
        if lost := stored - _presets(target.presets).keys():
            result.faults.append(f"{len(lost)} of {len(stored)} presets lost")
        return f"two servers, {len(stored)} presets in one file"

    return attack


def kills(folder: Path, model: Path, count: int, seed: int) -> Result:
    """Kill `count` servers at random moments while they record, log and store presets; check the files."""
    chance, result, kept = random.Random(seed), Result(), dict[str, float]()
    stores = lost = 0
    for number in range(count):
        with Target(folder, model, f"set {number}") as target:
            with closing(Client(target.port)) as client:
                client.request("/morph/record/start", f"take {number}")
            performer, storer = Performer(target.port), Storer(target.port)
            time.sleep(chance.uniform(0.0, 1.0))
            written_s = time.monotonic() - WRITTEN_S
            target.kill()
            performer.leave()
            storer.leave()
            played = sum(hit_s < written_s for hit_s in performer.hits_s)
            result.played += played
            result.logged += logged(target.log, played)
            result.slowest_s = max(result.slowest_s, performer.slowest_s)
            result.faults += target.tracebacks
        stores += storer.stores
        found = _presets(target.presets) if target.presets.exists() else {}
        kept |= storer.kept
        if storer.begun is not None:  # the file may or may not contain the preset that was being stored
            name, value = storer.begun
            kept[name] = found.get(name, 0.0) if found.get(name) == value else kept.get(name, 0.0)
        lost += sum(found.get(name) != value for name, value in kept.items() if value)
    with Target(folder, model, "last") as target:
        code, result.end_s = target.end()
        if code:
            result.faults.append(f"exit code {code}")
    if lost:
        result.faults.append(f"{lost} of {stores} presets lost")
    sounds = [*folder.glob("set *.wav"), *(folder / "takes").glob("*.wav")]
    for path in sounds:
        soundfile.info(path)
    for path in (*folder.glob("set *.jsonl"), *(folder / "takes").glob("*.jsonl")):
        list(commands(path, read_header(path).latent_dim))
    hidden = [path for path in folder.rglob(".*") if path.suffix in (".part", ".recording")]
    if hidden or len(sounds) < count:
        result.faults.append(f"{len(hidden)} unfinished files, {len(sounds)} of {2 * count} recordings")
    result.done = f"{count} kills; {stores:,} presets, {len(sounds)} recordings and all logs are kept"
    return result


def worker_kills(folder: Path, model: Path, count: int) -> Result:
    """Kill the worker of each of `count` servers, and measure the time until a new worker plays a hit.

    The worker is the process of the server that renders the sound.
    """
    result, back_s = Result(), []
    for number in range(count):
        with Target(folder, model, f"worker {number}") as target, closing(Client(target.port)) as client:
            (worker,) = [pid for pid in process_tree(target.process.pid) if b"spawn_main" in _command(pid)]
            os.kill(worker, signal.SIGKILL)
            begun = time.monotonic()
            while _status(client).get("hits", 0) == 0:
                client.send("/morph/trigger", 1.0)
                time.sleep(0.01)
            back_s.append(time.monotonic() - begun)
            code, end_s = target.end()
            result.end_s = max(result.end_s, end_s)
            result.faults += [*target.tracebacks, *([f"exit code {code}"] if code else [])]
    result.done = f"{count} kills of the worker; sound is back after {min(back_s):.1f} to {max(back_s):.1f} s"
    return result


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _status(client: Client) -> dict[str, Any]:
    """Return the server's counts, such as "hits", by name; empty while the server has no worker."""
    address, facts = client.request("/morph/get/status")
    return dict(zip(facts[::2], facts[1::2], strict=True)) if address == "/morph/status.reply" else {}


def _presets(path: Path) -> dict[str, float]:
    """Return the first coordinate of each preset in a file, by name."""
    sections = json.loads(path.read_text(encoding="utf-8"))["models"].values()
    return {name: z[0] for section in sections for name, z in section["presets"].items()}


def _get(target: Target, path: str) -> int:
    """Return the HTTP status of a GET request."""
    with socket.create_connection((SERVER, target.web_port), 30.0) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return int(client.recv(12).split()[1])


def library(models: Iterable[Path], folder: Path) -> Path:
    """Copy models into a new folder, from which messages can load them; return the folder.

    Raises:
        ModelError: a model is invalid.
    """
    folder.mkdir()
    for model in models:
        shutil.copy(model, folder / model.name)
        verify.read(folder / model.name)
    return folder
