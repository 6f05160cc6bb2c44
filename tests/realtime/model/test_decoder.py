"""Tests for the decoder: slots, limits, saved states, and missing models and providers."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from realtime.model.decoder import Decoder, StreamState, resolve
from realtime.util.errors import ModelError, RealtimeError


def _z(decoder: Decoder, voices: int, frames: int, seed: int = 0) -> np.ndarray:
    shape = (voices, frames, decoder.info.latent_dim)
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_decoding_in_steps_equals_decoding_at_once(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=2)
    z = _z(decoder, 2, decoder.info.frames)
    whole = decoder.decode(z)
    parts = [decoder.step(z[:, f : f + 4]).copy() for f in range(0, decoder.info.frames, 4)]
    assert np.abs(np.concatenate(parts, axis=1) - whole).max() <= 1e-6


def test_first_frames_decoded_alone_equal_the_beginning_of_the_sound(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model)
    z = np.random.default_rng(0).standard_normal((2, decoder.info.latent_dim)).astype(np.float32)
    begun, whole = decoder.decode(z, 5), decoder.decode(z)
    assert begun.shape == (2, 5 * decoder.info.hop_length)
    np.testing.assert_allclose(begun, whole[:, : begun.shape[1]], atol=1e-6)


def test_slots_do_not_affect_each_other(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=3)
    z = _z(decoder, 3, 8)
    alone = Decoder(tiny_model, capacity=3)
    alone.step(z[:, :4])
    wanted = alone.step(z[:, 4:]).copy()
    decoder.step(z[:, :4])
    decoder.step(z[:1, 4:])  # decodes slot 0 alone
    decoder.reset(0)
    decoder.move(2, 0)
    assert np.abs(decoder.step(np.ascontiguousarray(z[2:, 4:]))[0] - wanted[2]).max() <= 1e-6
    decoder.frame[0] = decoder.frame[1]
    decoder.move(1, 0)
    assert np.abs(decoder.step(np.ascontiguousarray(z[1:2, 4:]))[0] - wanted[1]).max() <= 1e-6


def test_saved_state_can_be_loaded_repeatedly_to_any_slot(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=2)
    z = _z(decoder, 1, 12)
    decoder.step(z[:, :4])
    state = decoder.save(0)
    assert state.frame == 4
    wanted = decoder.step(z[:, 4:]).copy()
    other = Decoder(tiny_model, capacity=3)
    for player, slot in ((decoder, 1), (other, 2), (decoder, 1)):
        player.load(slot, state)
        player.move(slot, 0)
        assert np.array_equal(player.step(z[:, 4:]), wanted)


def test_save_into_an_existing_state_allocates_nothing(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=1)
    z = _z(decoder, 1, 8)
    state = decoder.save(0)
    caches = state.caches
    decoder.step(z[:, :4])
    assert decoder.save(0, into=state) is state
    assert all(mine is kept for mine, kept in zip(state.caches, caches, strict=True))
    wanted = decoder.step(z[:, 4:]).copy()
    tracemalloc.start()
    decoder.load(0, state)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(100):
        decoder.save(0, into=state)
        decoder.load(0, state)
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert kept < 100 * 8  # less than the size of a pointer for each save
    assert np.array_equal(decoder.step(z[:, 4:]), wanted)


def test_state_of_a_different_model_is_refused(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=1)
    state = decoder.save(0)
    foreign = StreamState(tuple(cache[:-1] for cache in state.caches), 0)
    with pytest.raises(ValueError, match="a different model"):
        decoder.load(0, foreign)


def test_steps_beyond_the_sound_or_the_capacity_are_refused(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=1, max_frames=16)
    with pytest.raises(ValueError, match="2 voices"):
        decoder.step(_z(decoder, 2, 1))
    with pytest.raises(ValueError, match="17 frames"):
        decoder.step(_z(decoder, 1, 17))
    for _ in range(decoder.info.frames // 16):
        decoder.step(_z(decoder, 1, 16))
    with pytest.raises(ValueError, match="frames"):
        decoder.step(_z(decoder, 1, 1))


def test_repeated_steps_keep_no_memory(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=2)
    z = _z(decoder, 2, 1)

    def grown(steps: int) -> int:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(steps):
            decoder.frame[:] = 0
            decoder.step(z)
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    grown(10)
    kept = min(grown(500) for _ in range(5))  # threads left by other tests may allocate at the same time
    tracemalloc.stop()
    assert kept < 500 * 8  # less than the size of a pointer for each step


@pytest.mark.parametrize("shape", [(1, 3), (2, 5, 3), (4,)])
def test_z_of_wrong_shape_is_refused(tiny_model: Path, shape: tuple[int, ...]) -> None:
    decoder = Decoder(tiny_model, capacity=1)
    with pytest.raises(ValueError, match="z has shape"):
        decoder.decode(np.zeros(shape, np.float32))


def test_missing_provider_error_names_both_packages(tiny_model: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this is the GPU build")
    with pytest.raises(RealtimeError, match=r"soundmorph\[gpu\].*soundmorph\[cpu\]"):
        Decoder(tiny_model, provider="cuda")


def test_unknown_model_name_is_refused() -> None:
    with pytest.raises(ModelError, match="no model file 'nothing'"):
        resolve("nothing")
