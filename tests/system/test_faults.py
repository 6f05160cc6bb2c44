"""If a fault occurs during playback, the server reports it in one line, keeps its state and plays on.

The worker is the server's process that renders the sound; a second process receives messages and restarts the
worker.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import helper, numpy_helper

from realtime.audio.jack_client import JackClient, JackError
from realtime.control import osc
from realtime.control.dispatcher import Control
from realtime.control.protocol import Message
from realtime.live.engine import Engine
from realtime.model import schema
from realtime.model.decoder import Decoder
from realtime.synth.command_log import commands, read_header
from realtime.synth.commands import Gain, Mode, Panic, SetZ, Trigger
from realtime.synth.mixer import PANIC_MS, Mixer, slots_for
from tests.system.rig import (
    COMPRESSOR,
    MAX_DIFFERENCE,
    Jack,
    Process,
    Server,
    assert_recording_equals_log,
    program,
    wait_until,
    workers,
)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_server_plays_on_and_reconnects_when_jack_restarts(
    tiny_model: Path, tmp_path: Path, end: signal.Signals
) -> None:
    """JACK restarts under its earlier name: a killed server's name stays taken, and there are only eight."""
    with Jack() as jack:
        jack.wait()
        with Server(tiny_model, "--device", "system", env=jack.env) as server:
            server.send("/morph/z", 1.0, -1.0, 0.5, 0.0)
            server.ask("/ping")
            jack.stop(end)
            server.wait_for("has gone")
            server.send("/morph/trigger", 1.0)  # the server continues to play, although it is not heard
            server.wait_until(hits=1)
            with Jack(name=jack.name) as again:
                again.wait()
                server.wait_for("is back")
                assert server.ask("/morph/get/z")[1] == [1.0, -1.0, 0.5, 0.0]
                with again.recording(tmp_path / "heard.npy"):
                    server.wait_until(voices=0)
                    server.send("/morph/trigger", 1.0)
                    server.wait_until(hits=2)
                    server.wait_until(voices=0)
                    server.play_for(0.1)
                assert server.stop() == 0
    assert np.abs(np.load(tmp_path / "heard.npy")).max() > 0.001


@pytest.mark.parametrize(
    ("sent_signal", "hits"), [(signal.SIGKILL, 0), (signal.SIGSTOP, 0), (signal.SIGSTOP, 1500)]
)
def test_worker_that_dies_or_hangs_is_restarted_with_its_state_and_writes_new_files(
    tiny_model: Path, tmp_path: Path, sent_signal: signal.Signals, hits: int
) -> None:
    """The pipe to a hanging worker may be full. The recording and the log continue in new files."""
    options = ["--null", "--presets", str(tmp_path / "presets.json")]
    options += ["--record", str(tmp_path / "take.wav"), "--log", str(tmp_path / "log.jsonl")]
    with Server(tiny_model, *options) as server:
        server.send("/morph/z", 1.0, -1.0, 0.5, 0.0)
        server.send("/morph/z/1", 0.25)
        server.send("/morph/gain", -6.0)
        server.send("/morph/mode", "latch")
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1)
        os.kill(server.worker_pid, sent_signal)
        for _ in range(hits):  # the pipe holds fewer than 1,500 messages
            server.send("/morph/trigger", 1.0)
        server.wait_for(
            "playing again .*; the recording continues in .*take-2.wav; the log continues in .*log-2.jsonl"
        )
        server.discard_replies()
        server.play_for(0.05)
        assert server.ask("/morph/get/z")[1] == [1.0, 0.25, 0.5, 0.0]
        assert {"gain_db": -6.0, "mode": "latch"}.items() <= server.status().items()
        played = int(server.status()["hits"])
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=played + 1, voices=0)
        assert server.stop() == 0
    state = [c for sample, c in commands(tmp_path / "log-2.jsonl", 4) if sample == 0]
    assert {SetZ, Gain, Mode} <= {type(c) for c in state}  # the first block already has the settings
    np.save(tmp_path / "take-2.npy", soundfile.read(tmp_path / "take-2.wav", dtype="float32")[0])
    assert_recording_equals_log(tmp_path / "log-2.jsonl", tmp_path / "take-2.npy", at_least_s=0.05)


def test_restarted_worker_keeps_its_jack_name_and_model_but_no_plugins(
    other_model: Path, tiny_model: Path
) -> None:
    options = ["--device", "system", "--library", str(other_model.parent)]
    options += ["--plugin", str(COMPRESSOR)] if COMPRESSOR.exists() else []
    with Jack(synchronous=False) as jack:
        jack.wait()
        with Server(tiny_model, *options, env=jack.env) as server:
            assert server.ask("/morph/model", other_model.name)[0] == "/morph/done"
            server.send("/morph/subscribe", 9, 20.0)  # a subscriber that does not exist
            os.kill(server.worker_pid, signal.SIGKILL)
            line = server.wait_for("playing again")
            assert ("without plugins" in line.string) == COMPRESSOR.exists()
            assert len(server.ask("/morph/get/z")[1]) == 3
            assert server.ask("/morph/get/plugins")[1] == [0, 0]  # there are no plugins
            server.send("/morph/trigger", 1.0)
            server.wait_until(hits=1, voices=0)
            listing = [program("jack_lsp"), "-c", "soundmorph:out_1"]
            ports = subprocess.run(listing, env={**os.environ, **jack.env}, capture_output=True, text=True)
            assert ports.stdout.split() == ["soundmorph:out_1", "system:playback_1"]


def test_worker_that_crashes_again_within_ten_seconds_is_not_restarted(
    tiny_model: Path, tmp_path: Path
) -> None:
    with Server(tiny_model, "--null", "--presets", str(tmp_path / "presets.json")) as server:
        server.send("/morph/preset/store", "kept")
        server.receive()
        os.kill(server.worker_pid, signal.SIGKILL)
        server.wait_for("playing again")
        os.kill(server.worker_pid, signal.SIGKILL)
        server.wait_for("error: the worker process has ended; presets are saved; start the server again")
        assert server.finish() == 2
    assert "kept" in (tmp_path / "presets.json").read_text()


def test_model_that_crashes_the_worker_twice_is_replaced_by_the_previous_one(
    tiny_model: Path, other_model: Path
) -> None:
    with Server(tiny_model, "--null", "--library", str(other_model.parent)) as server:
        assert server.ask("/morph/model", other_model.name)[0] == "/morph/done"
        os.kill(server.worker_pid, signal.SIGKILL)
        server.wait_for("playing again with the last point$")
        assert len(server.ask("/morph/get/z")[1]) == 3
        os.kill(server.worker_pid, signal.SIGKILL)
        server.wait_for("playing again .*; with tiny instead of other, which may be the cause")
        assert len(server.ask("/morph/get/z")[1]) == 4
        assert server.ask("/morph/get/classes")[1] == ["kick", "snare", "hihat"]
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1)
        assert server.stop() == 0


def test_start_with_a_hanging_worker_can_be_aborted(tiny_model: Path) -> None:
    serve = ["serve", "--model", str(tiny_model), "--null", "--port", "0"]
    for _ in range(5):
        with Process([sys.executable, "-m", "realtime", *serve], None) as server:
            wait_until(partial(workers, server.pid))
            os.kill(workers(server.pid)[0], signal.SIGSTOP)
            assert server.stop(signal.SIGINT) == 2
        if not server.output.startswith("plays"):  # the worker stopped before it was ready
            break
    assert server.output == "realtime: error: the program was stopped before the model was ready"


def test_ctrl_c_does_not_reach_a_worker_that_starts(tiny_model: Path) -> None:
    serve = ["serve", "--model", str(tiny_model), "--null", "--port", "0"]
    with Process([sys.executable, "-m", "realtime", *serve], None) as server:
        wait_until(partial(workers, server.pid))
        os.kill(workers(server.pid)[0], signal.SIGINT)  # a terminal sends SIGINT to all processes
        server.wait_for("^plays ")
        assert server.stop(signal.SIGINT) == 0


def test_server_ends_although_its_worker_hangs(tiny_model: Path) -> None:
    with Server(tiny_model, "--null") as server:
        os.kill(server.worker_pid, signal.SIGSTOP)
        for _ in range(1500):
            server.send("/morph/trigger", 1.0)
        assert server.stop() == 2  # an error, because the counts of the worker are lost


def test_worker_finishes_its_recording_and_ends_when_the_server_is_killed(
    tiny_model: Path, tmp_path: Path
) -> None:
    options = ["--null", "--record", str(tmp_path / "kept.wav"), "--log", str(tmp_path / "log.jsonl")]
    with Server(tiny_model, *options) as server:
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1, voices=0)
        server.stop(signal.SIGKILL)
    wait_until(lambda: '"end"' in (tmp_path / "log.jsonl").read_text())
    assert np.abs(soundfile.read(tmp_path / "kept.wav")[0]).max() > 0.001


def test_recordings_of_a_killed_server_are_recovered_at_the_next_start(
    tiny_model: Path, tmp_path: Path
) -> None:
    takes = ["--takes", str(tmp_path / "takes")]
    with Server(tiny_model, "--null", "--record", str(tmp_path / "set.wav"), *takes) as server:
        assert server.ask("/morph/record/start", "one")[0] == "/morph/done"
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1, voices=0)
        server.play_for(0.2)
        worker = server.worker_pid
        os.kill(worker, signal.SIGSTOP)  # prevents the worker from finishing the recordings
        os.kill(server.pid, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
    with Server(tiny_model, "--null", "--record", str(tmp_path / "next.wav"), *takes) as server:
        assert server.output.count("recovered; the server that recorded it did not end properly") == 2
        assert server.stop() == 0
    for path in (tmp_path / "set.wav", tmp_path / "takes" / "one.wav"):
        assert np.abs(soundfile.read(path)[0]).max() > 0.001
    assert sorted(path.name for path in tmp_path.iterdir()) == ["next.wav", "set.wav", "takes"]
    assert sorted(path.name for path in (tmp_path / "takes").iterdir()) == ["one.jsonl", "one.wav"]


def test_server_can_be_ended_after_jack_has_gone(jack_server: Jack, tiny_model: Path) -> None:
    with Server(tiny_model, "--device", "system", env=jack_server.env) as server:
        jack_server.stop()
        server.wait_for("has gone")
        assert server.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("after_s", [0.6, 0.65, 0.7, 0.75])
def test_server_ends_although_jack_dies_during_disconnection(
    jack_server: Jack, tiny_model: Path, after_s: float
) -> None:
    """In this case, JACK's library cancels threads wherever they are, possibly while they run Python."""
    options = ["--device", "system", "--midi", "--midi-backend", "jack"]
    with Server(tiny_model, *options, env=jack_server.env) as server:
        jack_server.pause()
        dying = threading.Timer(after_s, jack_server.stop, [signal.SIGKILL])
        dying.start()
        assert server.stop() == 0
        dying.join()
    with Jack(name=jack_server.name) as again:  # frees the name, which the killed server has left taken
        again.wait()


def test_connecting_to_a_stuck_jack_server_times_out_and_works_later(
    jack_server: Jack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that JACK accepts after the time-out leaves again, to free its name."""
    jack_server.use(monkeypatch)
    jack_server.pause()
    with pytest.raises(JackError, match="the JACK server does not answer"):
        JackClient("stuck")
    jack_server.resume()
    clients: list[JackClient] = []

    def connect() -> bool:
        with suppress(JackError):
            clients.append(JackClient("stuck"))
        return bool(clients)

    wait_until(connect)
    assert clients[0].client.name == "stuck"  # the name is not "stuck-01": the late client has left
    clients[0].leave()


def test_server_starts_and_ends_although_jack_is_stuck(jack_server: Jack, tiny_model: Path) -> None:
    jack_server.pause()
    with Server(tiny_model, env=jack_server.env) as server:
        assert "(is a JACK server stuck?); continuing without sound" in server.output
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1)
        assert server.stop() == 0
    jack_server.resume()


def test_server_reconnects_when_a_stalled_jack_server_continues(jack_server: Jack, tiny_model: Path) -> None:
    with Server(tiny_model, "--device", "system", env=jack_server.env) as server:
        jack_server.pause()
        server.wait_for("has gone")
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1, voices=0)
        jack_server.resume()
        server.wait_for("is back")
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=2, voices=0)
        assert server.stop() == 0


def test_full_disk_stops_the_recording_but_not_the_sound(tiny_model: Path, tmp_path: Path) -> None:
    """The files of this server are limited to 200 blocks of 1,024 bytes, which is half a second of sound."""
    limit = (program("bash"), "-c", 'ulimit -f 200; exec "$0" "$@"')
    recording = tmp_path / "recording.wav"
    with Server(tiny_model, "--null", "--record", str(recording), prefix=limit) as server:
        server.wait_for("recording stopped, playing continues: .*recording.wav")
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1)
        server.wait_until(voices=0)
        assert server.stop() == 0
    assert soundfile.info(recording).duration > 0.1


def test_nan_from_a_model_is_muted_and_reported(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "nan.onnx"
    model.write_bytes(nan_where_z_is_large(tiny_model))
    with Server(model, "--null", "--record", str(tmp_path / "heard.wav")) as server:
        assert server.status()["muted"] == 0
        server.send("/morph/z", 100.0, 0.0, 0.0, 0.0)
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1)
        server.wait_until(voices=0)
        assert float(server.status()["muted"]) > 0
        server.wait_for("not finite numbers; they are silenced")
        server.send("/morph/z", 0.0, 0.0, 0.0, 0.0)
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=2)
        server.wait_until(voices=0)
        assert server.stop() == 0
    heard, _ = soundfile.read(tmp_path / "heard.wav", dtype="float32")
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() > 0.001  # the second hit is heard


def nan_where_z_is_large(path: Path) -> bytes:
    """Return the model with z + 0 * (3e38 * z) in place of z: NaN where 3e38 * z overflows, elsewhere z."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == schema.Z:
                node.input[index] = "z_or_nan"
    constants = {"huge": 3e38, "nought": 0.0}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()
    )
    nodes = [
        helper.make_node("Mul", [schema.Z, "huge"], ["z_huge"]),
        helper.make_node("Mul", ["z_huge", "nought"], ["z_nought"]),
        helper.make_node("Add", [schema.Z, "z_nought"], ["z_or_nan"]),
    ]
    for place, node in enumerate(nodes):
        model.graph.node.insert(place, node)
    kept = [entry for entry in model.metadata_props if entry.key != "soundmorph_sha256"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    return schema.add_checksum(model.SerializeToString())


def test_jump_of_the_wall_clock_does_not_move_scheduled_hits(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time tags are converted to the monotonic clock when they arrive; the wall clock may be set later."""
    decoder = Decoder(tiny_model, capacity=slots_for(2))
    engine = Engine(Mixer(decoder, 48_000, voices=2), pulled=True)
    due: list[int] = []
    engine.mixer.tap = lambda sample, command: due.append(sample) if isinstance(command, Trigger) else None
    wall, jumps = time.time, {"s": 0.0}
    monkeypatch.setattr(time, "time", lambda: wall() + jumps["s"])
    with osc.bind(port=0) as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        server = osc.Server(Control(decoder.info, engine), listener)
        server.start()
        hit = osc.encode(Message("/morph/trigger", (1.0,)))
        sized = len(hit).to_bytes(4, "big") + hit
        for jumps["s"] in (0.0, 3600.0, -86400.0):
            tag = round((time.time() + 1.0 + 2_208_988_800) * 2**32).to_bytes(8, "big")
            sender.sendto(b"#bundle\0" + tag + sized, ("127.0.0.1", server.port))
            sender.sendto(osc.encode(Message("/ping")), ("127.0.0.1", server.port))
            sender.recv(64)
        server.stop()
    engine.hand_over(np.zeros((30 * 48_000, 2), np.float32))
    assert len(due) == 3
    assert all(sample > 0.5 * 48_000 for sample in due)  # each hit is due in about a second


def test_point_gain_and_mode_are_saved_at_the_end_and_restored(tiny_model: Path, tmp_path: Path) -> None:
    presets = ("--presets", str(tmp_path / "presets.json"))
    with Server(tiny_model, "--null", *presets) as server:
        server.send("/morph/z", 1.0, 2.0, 3.0, 4.0)
        server.send("/morph/gain", -9.0)
        server.send("/morph/mode", "latch")
        server.wait_until(gain_db=-9.0)
        assert server.stop(signal.SIGINT) == 0
    with Server(tiny_model, "--null", "--restore", *presets) as server:
        server.wait_until(gain_db=-9.0)
        assert server.ask("/morph/get/z")[1] == [1.0, 2.0, 3.0, 4.0]
        assert server.status()["mode"] == "latch"


@pytest.mark.parametrize("device", ["null", "jack"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_server_fades_out_on_a_signal_and_saves_recording_log_and_session(
    tiny_model: Path, tmp_path: Path, device: str, number: signal.Signals
) -> None:
    log, record = tmp_path / "take.jsonl", tmp_path / "heard.wav"
    options = ["--log", str(log), "--record", str(record), "--presets", str(tmp_path / "presets.json")]
    with ExitStack() as stack:
        env = None
        if device == "jack":
            jack = stack.enter_context(Jack())
            jack.wait()
            env = jack.env
        where = ["--null"] if device == "null" else ["--device", "system"]
        server = stack.enter_context(Server(tiny_model, *where, *options, env=env))
        server.send("/morph/pitch", -48.0)  # makes the hit sixteen times as long
        server.send("/morph/z", 1.0, 2.0, 3.0, 4.0)
        server.send("/morph/trigger", 1.0)
        server.wait_until(voices=1)
        assert server.stop(number) == 0
    assert json.loads((tmp_path / "presets.json").read_text())  # for the option `--restore`
    header = read_header(log)
    played = list(commands(log, header.latent_dim))
    ended, last = played.pop()
    assert last is None
    signalled = next(sample for sample, command in played if isinstance(command, Panic))
    heard, rate = soundfile.read(record, dtype="float32", always_2d=True)
    assert len(heard) == ended
    mixer = Mixer(
        Decoder(tiny_model, capacity=slots_for(header.voices)),
        rate,
        voices=header.voices,
        chunk_frames=header.chunk_frames,
    )
    for sample, command in played:
        if command is not None and not isinstance(command, Panic):
            mixer.submit(command, sample)
    whole = np.zeros_like(heard)
    mixer.render(whole)
    faded = signalled + round(rate * PANIC_MS / 1000)
    np.testing.assert_allclose(heard[:signalled], whole[:signalled], atol=MAX_DIFFERENCE)
    level = np.abs(whole[signalled:faded]).max()
    assert level > 100 * MAX_DIFFERENCE  # the hit was sounding when the signal came
    down = np.linspace(1.0, 0.0, faded - signalled + 1)[:-1, np.newaxis]
    np.testing.assert_allclose(
        heard[signalled:faded], whole[signalled:faded] * down, atol=MAX_DIFFERENCE + level / 50
    )
    assert not heard[faded:].any()
