"""Damaged, foreign and hostile model files are refused, each with a specific message."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from realtime.model import errands, verify
from realtime.model.decoder import Decoder
from realtime.util.errors import ModelError
from tests.realtime.model.changes import Change, changed, external, metadata


def _set_weight(value: float) -> Change:
    def change(model: onnx.ModelProto) -> None:
        floats = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
        weight = max(floats, key=lambda tensor: len(tensor.raw_data))
        values = numpy_helper.to_array(weight).copy()
        values.flat[0] = value
        weight.raw_data = values.tobytes()

    return change


def _custom_operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Run", ["z"], ["q"], domain="evil"))


def _custom_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("evil", 1))


def _loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["z"], ["q"], body=body))


def _rename_output(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.output[:] = ["sound" if name == "audio" else name for name in node.output]
    next(value for value in model.graph.output if value.name == "audio").name = "sound"


def _short_weight(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-1]


def _huge_cache(model: onnx.ModelProto) -> None:
    cache = next(value for value in model.graph.input if value.name.startswith("cache_"))
    cache.type.tensor_type.shape.dim[1].dim_value = 2**30


def _function(model: onnx.ModelProto) -> None:
    model.functions.add(name="f", domain="")


def _divisor(value: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.array([value]), "divisor"))
        model.graph.node.append(helper.make_node("Mod", ["frame", "divisor"], ["q"]))

    return change


def _computed_divisor(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Mod", ["frame", "frame"], ["q"]))


def _add(model: onnx.ModelProto, *nodes: tuple[str, list[str], str], **constants: list[int] | int) -> None:
    """Add nodes, each an operator, its inputs and its output, and constants to a graph."""
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()
    )
    model.graph.node.extend(helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes)


def _steps_of_the_frame(model: onnx.ModelProto) -> None:
    """Add a tensor whose length is 2**20 times the index of the frame; it is empty in the first frame."""
    end = ("Mul", ["first_frame", "million"], "end"), ("Range", ["zero", "end", "one"], "steps")
    _add(model, ("Gather", ["frame", "zero"], "first_frame"), *end, zero=0, one=1, million=2**20)


def _size_of_z(model: onnx.ModelProto) -> None:
    """Add a tensor whose size is computed from z, the position in latent space."""
    first = ("Reshape", ["z", "flat"], "row"), ("Gather", ["row", "zero"], "number")
    cast = helper.make_node("Cast", ["number"], ["size"], to=onnx.TensorProto.INT64)
    _add(model, *first, flat=[-1], zero=[0])
    model.graph.node.append(cast)
    _add(model, ("Expand", ["number", "size"], "large"))


def _square_of_the_frames(model: onnx.ModelProto) -> None:
    """Add a tensor whose size grows with the square of the number of frames; for one frame, it is small."""
    frames = ("Shape", ["z"], "shape"), ("Gather", ["shape", "at"], "frames")
    square = ("Mul", ["frames", "frames"], "square"), ("Mul", ["square", "many"], "size")
    _add(model, *frames, *square, ("Expand", ["at", "size"], "large"), at=[1], many=[2**17])


def _slow(model: onnx.ModelProto) -> None:
    """Make each call take about half a second; the sound and the sizes of the other tensors are unchanged."""
    _add(
        model, ("Gather", ["z", "zero"], "voice"), ("Reshape", ["voice", "row"], "row_of_z"), zero=0, row=[-1]
    )
    _add(model, ("Gather", ["row_of_z", "place"], "number"), place=[0])
    _add(model, ("Expand", ["number", "many"], "y0"), many=[2**24])
    for number in range(100):
        _add(model, ("Tanh", [f"y{number}"], f"y{number + 1}"))
    last = next(node for node in model.graph.node if "audio" in node.output)
    sound = last.input[0]
    model.graph.node.remove(last)
    _add(model, ("Gather", ["y100", "place"], "end"), ("Sub", ["end", "end"], "none"))
    _add(model, ("Add", [sound, "none"], "audio"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set_weight(float("nan")), "NaN or infinity"),
        (_set_weight(float("inf")), "NaN or infinity"),
        (external, "in another file"),
        (_custom_operator, "operator 'Run'"),
        (_custom_domain, "operators of 'evil'"),
        (_loop, "operator 'Loop'"),
        (_rename_output, "not those of a streaming decoder"),
        (_short_weight, "does not have the size"),
        (_huge_cache, "MB of memory per voice"),
        (_function, "functions"),
        (_divisor(0), "has a divisor"),
        (_divisor(-1), "has a divisor"),
        (_computed_divisor, "has a divisor"),
        (metadata(latent_dim=3), "numbers"),
        (metadata(length=10**9), "length"),
        (metadata(sample_rate=20), "sample_rate is 20, not a whole number from 1000 to 192000"),
        (metadata(sample_rate="x" * 10**6), "sample_rate is 'x{79}, not a whole number"),
        (metadata(name="x" * 1000), "name has 1000 characters; at most 255"),
        (metadata(licence="x" * 20_000), "licence has 20000 characters; at most 10000"),
        (metadata(credits=[""] * 10_001), "there are 10001 credits; at most 10000"),
        (metadata(loudness_db=1e300), "loudness_db is 1e\\+300, beyond 1e\\+09"),
        (metadata(loudness_db=10**400), "a number has more than 20 digits"),
        (_steps_of_the_frame, "depends on more than the voices and frames"),
        (_size_of_z, "depends on more than the voices and frames"),
        (_square_of_the_frames, "needs a tensor of more than 67108864 numbers"),
    ],
)
def test_hostile_files_are_refused(tiny_model: Path, tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Decoder(changed(tiny_model, tmp_path / "m.onnx", change))


def test_decoder_that_is_too_slow_to_play_is_refused_after_a_trial(tiny_model: Path, tmp_path: Path) -> None:
    path = changed(tiny_model, tmp_path / "m.onnx", _slow)
    with pytest.raises(ModelError, match=r"a sound of 186 ms takes more than 0\.7 s to decode"):
        errands.try_out(path, verify.read(path))


def test_model_whose_length_exceeds_its_weights_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    length = 2 * Decoder(tiny_model).info.length
    with pytest.raises(ModelError, match="does not decode"):
        Decoder(changed(tiny_model, tmp_path / "m.onnx", metadata(length=length)))


def test_file_that_was_written_again_still_loads(tiny_model: Path, tmp_path: Path) -> None:
    again = changed(tiny_model, tmp_path / "m.onnx", lambda model: None)
    assert Decoder(again).info == Decoder(tiny_model).info


def test_foreign_and_damaged_files_get_different_messages(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(ModelError, match="No such file"):
        verify.read(path)
    for content, message in ((b"hello, this is text", "not a readable ONNX model"), (b"", "not a readable")):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=message):
            verify.read(path)
    with pytest.raises(ModelError, match="not a soundmorph model"):
        verify.read(changed(tiny_model, path, lambda model: model.metadata_props.__delitem__(slice(None))))
    with pytest.raises(ModelError, match="checksum at its end is missing"):
        verify.read(changed(tiny_model, path, lambda model: None, seal=False))


def test_ten_thousand_damaged_files_are_all_refused(tiny_model: Path, tmp_path: Path) -> None:
    good, path = tiny_model.read_bytes(), tmp_path / "m.onnx"
    chance = random.Random(0)
    for case in range(10_000):
        bad = bytearray(good)
        at = chance.randrange(len(good))
        match case % 4:
            case 0:
                bad[at] ^= 1 << chance.randrange(8)
            case 1:
                del bad[at:]
            case 2:
                del bad[at : at + chance.randrange(1, 100)]
            case _:
                bad[at : at + 8] = chance.randbytes(chance.randrange(0, 17))
        if bytes(bad) == good:
            continue
        path.write_bytes(bad)
        with pytest.raises(ModelError):
            verify.read(path)


def test_file_with_checksum_is_valid_onnx(tiny_model: Path) -> None:
    model = onnx.load(str(tiny_model))
    onnx.checker.check_model(model, full_check=True)
    assert model.metadata_props[-1].key == "soundmorph_sha256"
    assert np.isfinite(Decoder(tiny_model).decode(np.zeros((1, Decoder(tiny_model).info.latent_dim)))).all()
