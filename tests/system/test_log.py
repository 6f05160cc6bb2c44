"""The log of a real server: what a kill costs."""

from __future__ import annotations

import signal
from pathlib import Path

from realtime.commands import Trigger
from realtime.session import FLUSH_S, commands, read_setting
from tests.system.rig import Server

HITS = 300


def test_a_kill_costs_the_last_tenth_of_a_second_at_most(tiny_model: Path, tmp_path: Path) -> None:
    """Of sound, in samples: what is missing was sent when a status had come, so it was carried out later.

    A hit is known by its velocity. The kill follows the last status at once.
    """
    log = tmp_path / "take.jsonl"
    before = []  # each hit, in seconds of sound
    with Server(tiny_model, "--null", "--log", str(log)) as server:
        for number in range(1, HITS + 1):
            server.play_for(0.005)
            before.append(float(server.status()["seconds"]))
            server.send("/morph/trigger", number / 1024)
        last = float(server.status()["seconds"])
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    setting = read_setting(log)
    hits = [(at, each) for at, each in commands(log, setting.latent_dim) if isinstance(each, Trigger)]
    assert [round(1024 * hit.velocity) for _, hit in hits] == [*range(1, len(hits) + 1)]
    assert all(at >= round(s * setting.sample_rate) for (at, _), s in zip(hits, before, strict=False))
    lost = last - before[len(hits)] if len(hits) < HITS else 0.0
    print(f"\n{HITS - len(hits)} hits lost, in the last {1000 * lost:.1f} ms of {last:.1f} s")
    assert last > 1.0  # it has been synced meanwhile
    assert len(hits) > 0
    assert lost <= FLUSH_S
