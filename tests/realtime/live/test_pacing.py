"""Tests for the lead: the time from the start of a block's rendering until the device takes the block.

The lead is a margin plus the time that decoding may take. A stream is a sound that is decoded while it is
playing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from realtime.live import latency
from realtime.live.engine import Engine
from realtime.live.load import CAREFUL, Load
from realtime.live.pacing import MARGIN_S, MORE_S, RELIEF_S, RESERVE, SLOWER, SPARE_S, Pacing
from realtime.live.warm_up import warm_up
from realtime.model.decoder import Decoder
from realtime.synth.commands import Prepare, SetZ, Trigger
from realtime.synth.mixer import Cost, Mixer
from tests.realtime.playing import RATE, Tape, take

QUIET = Load(block_s=1e-9)  # the peak load is negligible
COST = Cost(first_chunk_s=1e-3, sustained_voices=3, chunk_s=(1e-3, 1.5e-3, 2e-3), tick_s=5e-3)


def test_lead_is_margin_plus_worst_case_decoding_time() -> None:
    pacing = Pacing(block_s=0.003, blocks=3)
    assert pacing.lead_s(COST, 0, 0, QUIET, 0.0, False) == pytest.approx(MARGIN_S)
    assert pacing.lead_s(COST, 1, 0, QUIET, 0.0, True) == pytest.approx(MARGIN_S + SLOWER * 1e-3)
    assert pacing.lead_s(COST, 1, 1, QUIET, 0.0, True) == pytest.approx(MARGIN_S + SLOWER * 2.5e-3)
    assert pacing.lead_s(COST, 2, 9, QUIET, 0.0, True) == pytest.approx(
        0.009
    )  # three blocks, which fill the queue
    assert pacing.lead_s(None, 0, 0, QUIET, 0.0, False) == pytest.approx(0.009)


def test_late_or_nearly_late_block_raises_the_margin_for_a_while() -> None:
    pacing = Pacing(block_s=0.004, blocks=3)
    pacing.finished(0.0005, 100.0)
    assert pacing.margin_s(100.0) == pytest.approx(MARGIN_S)
    pacing.finished(SPARE_S - 0.00005, 100.0)
    assert pacing.margin_s(100.0) == pytest.approx(MARGIN_S + 0.00005)
    pacing.finished(-1.0, 300.0)  # this late, no margin would have helped
    assert pacing.margin_s(300.0) == pytest.approx(MARGIN_S + MORE_S, rel=0.01)
    assert pacing.margin_s(300.0 + RELIEF_S) == pytest.approx(MARGIN_S + MORE_S / 2, rel=0.01)
    for _ in range(50):
        pacing.finished(-1.0, 300.0 + RELIEF_S)
    assert pacing.lead_s(COST, 0, 0, QUIET, 300.0 + RELIEF_S, False) == pytest.approx(0.012)


def test_late_block_during_silence_does_not_raise_the_margin(
    make_mixer: Callable[..., Mixer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # nobody hears that a block of silence is late, but a larger margin would delay the next hits
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    tape = Tape()
    engine = Engine(make_mixer(), paced=True, sink=tape)
    engine.mixer.cost = COST
    engine.submit([Trigger(1.0)], due=now[0] + 0.005)
    margins: list[float] = []
    while len(margins) < 10:
        engine.render_next()
        if tape.blocks[-1].any():
            margins.append(engine.lead_s())
        take(engine, len(tape.blocks) - engine.asked)
        now[0] += engine.block_size / RATE + 0.01  # the next block is 10 ms late
    assert margins[0] == MARGIN_S  # in the block in which the sound begins
    assert margins[1] == pytest.approx(MARGIN_S + MORE_S, rel=0.01)
    assert margins[-1] > margins[1]


def test_hit_with_a_cached_sound_needs_no_decoding_until_its_point_moves(
    make_mixer: Callable[..., Mixer], decoder: Decoder
) -> None:
    mixer = make_mixer()
    kick, snare, _ = (c.centroid for c in decoder.info.classes)
    assert mixer.streams_begun([Trigger(1.0, kick)]) == 1
    mixer.submit(Prepare((kick,)))
    mixer.submit(SetZ(snare))
    mixer.render(np.zeros((64, 2), np.float32))
    while mixer.sound_cache.work():
        pass
    assert mixer.streams_begun([Trigger(1.0, kick)]) == 0
    assert mixer.streams_begun([Trigger(1.0)]) == 1
    mixer.submit(Trigger(1.0, kick))
    mixer.render(np.zeros((64, 2), np.float32))
    assert (mixer.streaming, mixer.streams_begun()) == (0, 0)
    assert mixer.streams_begun([SetZ(snare)]) == 1
    mixer.cost = replace(COST, moved=3)
    assert mixer.streams_begun([SetZ(snare)]) == 3
    mixer.submit(SetZ(snare))
    mixer.render(np.zeros((1024, 2), np.float32))
    assert (mixer.streaming, mixer.streams_begun()) == (1, 0)


def test_paced_engine_plays_the_same_sound_as_an_unpaced_one(
    make_mixer: Callable[..., Mixer], decoder: Decoder
) -> None:
    """The sounds are compared from their onsets onwards."""
    heard = []
    for paced in (False, True):
        mixer = make_mixer()
        warm_up(mixer)
        engine = Engine(mixer, paced=paced)
        engine.start()
        engine.submit([Trigger(1.0, decoder.info.classes[0].centroid)], due=time.monotonic() + 0.05)
        blocks = []
        while mixer.hits == 0 or mixer.sounding:
            if engine._ring.empty:  # taking a late block would insert silence
                time.sleep(0.0002)
                continue
            block = np.zeros((engine.block_size, 2), np.float32)
            engine.hand_over(block)
            blocks.append(block)
            time.sleep(0.001)
        engine.close()
        sound = np.concatenate(blocks)[:, 0]
        heard.append(sound[np.flatnonzero(sound)[0] :][:2000])
    np.testing.assert_allclose(heard[0], heard[1], atol=1e-6)


def test_components_of_the_latencies_of_hits_and_moves_add_up(make_mixer: Callable[..., Mixer]) -> None:
    mixer = make_mixer(48_000)
    engine = Engine(mixer, block_size=96, ahead=3)
    engine.latency_s = 0.004
    hit, move = latency.trigger(engine), latency.coordinate(engine)
    assert hit == pytest.approx({"next_block": 2.0, "lead": 6.0, "device": 4.0})
    assert move["tick"] == pytest.approx(1000 * 4 * 32 / 22_050, abs=0.03)
    assert move["filter"] == pytest.approx(1000 * mixer.timing.resampler.half / 22_050)
    told = engine.latency()
    assert told["total"] == pytest.approx(12.0)
    assert told["coordinate_total"] == pytest.approx(sum(move.values()))
    assert latency.describe(hit) == "12.0 ms = 2.0 next block + 6.0 lead + 4.0 device"


def test_lead_counts_every_tick_in_a_block() -> None:
    """A block of 3 ms contains up to three ticks of 1.2 ms; in each tick, the streams are decoded further.

    If no stream is running, decoding the first chunk of the new streams replaces the first tick.
    """
    pacing, cost = Pacing(block_s=0.003, blocks=9), replace(COST, tick_s=1.2e-3)
    assert pacing.lead_s(cost, 1, 0, QUIET, 0.0, True) == pytest.approx(MARGIN_S + SLOWER * 3e-3)
    assert pacing.lead_s(cost, 0, 1, QUIET, 0.0, False) == pytest.approx(MARGIN_S + SLOWER * (1e-3 + 2e-3))
    assert pacing.lead_s(cost, 1, 1, QUIET, 0.0, True) == pytest.approx(
        MARGIN_S + SLOWER * (1e-3 + 3 * 1.5e-3)
    )


def _raise(load: Load) -> None:
    """Report blocks that take as long as they last, until more ticks are decoded per call."""
    before, now = load.at_once, 100.0 * load.at_once
    while load.at_once == before:
        load.took(0.003, False, now)


def test_high_load_adds_a_reserve_of_blocks_to_the_lead_while_there_is_sound() -> None:
    pacing, load = Pacing(block_s=0.003, blocks=9), Load(block_s=0.003)
    assert pacing.lead_s(COST, 1, 0, load, 0.0, True) == pytest.approx(MARGIN_S + CAREFUL * 0.003)
    assert pacing.lead_s(COST, 1, 1, load, 0.0, True) == pytest.approx(MARGIN_S + CAREFUL * 0.003 + 1e-3)
    assert pacing.lead_s(COST, 0, 1, load, 0.0, False) == pytest.approx(MARGIN_S + CAREFUL * 0.003)
    assert pacing.lead_s(COST, 0, 0, load, 0.0, False) == pytest.approx(MARGIN_S)  # nothing is being decoded
    busy_s = MARGIN_S + CAREFUL * 0.003
    _raise(load)
    assert pacing.lead_s(COST, 1, 0, load, 0.0, True) == pytest.approx(busy_s + RESERVE * 0.006)
    _raise(load)
    assert pacing.lead_s(COST, 1, 0, load, 0.0, True) == pytest.approx(busy_s + RESERVE * 0.012)
    more_will_come_s = pacing.lead_s(COST, 0, 0, load, 0.0, True)
    assert more_will_come_s == pytest.approx(MARGIN_S + RESERVE * 0.012)
    after_silence_s = pacing.lead_s(COST, 0, 1, load, 0.0, False)
    assert after_silence_s == pytest.approx(busy_s)  # a hit does not wait for the reserve
    assert pacing.lead_s(COST, 0, 0, load, 0.0, False) == pytest.approx(MARGIN_S)
