"""An exported decoder makes the same sound as its PyTorch model, both in one call and in chunks."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.machine.measure import fresh_model
from export.architectures import GRAPHS, decoder_graph
from export.parity import compare, exact_sounds
from export.to_onnx import save
from realtime.model.decoder import Decoder, Floats, resolve
from trainer.architectures import ARCHITECTURES
from trainer.config import ModelConfig
from trainer.models.vae import VAE, build
from trainer.run import checkpoint
from trainer.run.base import BASE

FRAMES, DIM = 40, 6


def test_every_architecture_can_be_exported() -> None:
    assert GRAPHS.keys() == ARCHITECTURES.keys()


@pytest.fixture(scope="module", params=ARCHITECTURES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[VAE, Decoder]:
    """A model, and the decoder that `realtime` loads from its exported file.

    With the architecture `dc`, two of the 22 layers share each ring buffer.
    """
    config = ModelConfig(request.param, 8000, FRAMES * 32, DIM, layers=22, channels=6, modes=9, knots=12)
    model, path = fresh_model(config, tmp_path_factory.mktemp(request.param))
    return model, Decoder(path, capacity=3)


def assert_same(got: Floats, wanted: NDArray[np.floating]) -> None:
    """Assert that the difference of two sounds is at most 1e-6 of full scale."""
    assert 0.01 < np.abs(wanted).max() < 1.0
    assert np.abs(got - wanted).max() <= 1e-6


@settings(max_examples=40, deadline=None)
@given(cuts=st.sets(st.integers(1, FRAMES - 1)), seed=st.integers(0, 99))
def test_any_chunking_of_a_moving_z_gives_the_sound_of_the_model(
    made: tuple[VAE, Decoder], cuts: set[int], seed: int
) -> None:
    model, decoder = made
    z = np.random.default_rng(seed).standard_normal((2, FRAMES, DIM)).astype(np.float32)
    wanted = exact_sounds(model, z)
    decoder.reset(0)
    decoder.reset(1)
    edges = [0, *sorted(cuts), FRAMES]
    parts = [decoder.step(z[:, a:b]).copy() for a, b in itertools.pairwise(edges)]
    assert_same(np.concatenate(parts, axis=1), wanted)


def test_one_call_gives_the_sound_of_the_model(made: tuple[VAE, Decoder]) -> None:
    model, decoder = made
    z = np.random.default_rng(0).standard_normal((3, DIM)).astype(np.float32)
    wanted = exact_sounds(model, z)
    assert_same(decoder.decode(z), wanted)


def test_exported_base_differs_from_its_model_by_rounding_only(tmp_path: Path) -> None:
    base, path = checkpoint.load(BASE), tmp_path / "base.onnx"
    model = build(base.config.model, len(base.classes)).eval()
    checkpoint.fill(model, base)
    save(decoder_graph(model), Decoder(resolve("drums")).info.to_metadata(), path)
    assert compare(model, path).worst <= 1e-6


def test_a_later_z_never_changes_earlier_sound(made: tuple[VAE, Decoder]) -> None:
    _, decoder = made
    z = np.random.default_rng(0).standard_normal((1, FRAMES, DIM)).astype(np.float32)
    moved = z.copy()
    moved[:, 20:] += 1.0
    before, after = decoder.decode(z), decoder.decode(moved)
    assert np.array_equal(before[:, : 20 * 32], after[:, : 20 * 32])
    assert np.abs(before[:, 20 * 32 :] - after[:, 20 * 32 :]).max() > 0


def test_voices_at_different_positions_share_a_call(made: tuple[VAE, Decoder]) -> None:
    _, decoder = made
    z = np.random.default_rng(1).standard_normal((3, FRAMES, DIM)).astype(np.float32)
    wanted = decoder.decode(z)
    sounds: list[list[Floats]] = [[], [], []]

    def advance(voices: int, count: int) -> None:
        at = decoder.frame[:voices]
        chunk = np.stack([z[v, f : f + count] for v, f in enumerate(at)])
        for voice, part in enumerate(decoder.step(chunk)):
            sounds[voice].append(part.copy())

    for count, voices in ((3, 1), (2, 2), (4, 3)):
        decoder.reset(voices - 1)
        advance(voices, count)
    while decoder.frame.max() + 2 <= FRAMES:
        advance(3, 2)
    for voice in range(3):
        got = np.concatenate(sounds[voice])
        assert len(got) >= (FRAMES - 8) * 32
        assert_same(got, wanted[voice, : len(got)])


def test_number_of_graph_inputs_is_odd(
    made: tuple[VAE, Decoder],
) -> None:
    inputs = decoder_graph(made[0]).graph.input
    assert all(value.type.tensor_type.shape.dim[0].dim_param == "voices" for value in inputs)
    assert len(inputs) % 2  # the reason is in the docstring of Graph.model


def test_the_graph_has_standard_operators_and_its_weights_inside(made: tuple[VAE, Decoder]) -> None:
    graph = decoder_graph(made[0])
    onnx.checker.check_model(graph, full_check=True)
    assert {entry.domain for entry in graph.opset_import} == {""}
    assert {node.domain for node in graph.graph.node} == {""}
    assert all(t.data_location != onnx.TensorProto.EXTERNAL for t in graph.graph.initializer)
