"""The ONNX graph of the modal decoder.

The input of the decoder is z, a position in latent space. The decoder adds up free oscillators (sines whose
frequencies and levels are determined by z), modes (sines that decay exponentially) and bands of noise. It
decodes a sound in chunks of frames, with three caches:

    phase   phases of oscillators and modes in cycles; each phase is stored as the sum of two float32,
            because a single float32 is not precise enough
    level   levels at the end of the previous chunk
    decay   decay of the modes since the start of the sound

Frequencies and phases are float64 (see `trainer.models.modal`). So are the hidden layers, because float32
would change the sound by more than 1e-6. All other values are float32.

Before the first frame of a sound, the caches are zeros. The phases and the levels of high noise then come
from z: the graph adds them, multiplied by 1 at frame 0 and by 0 at all other frames. Oscillators and low
noise rise from 0 within the first frame.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import onnx
from torch import Tensor, nn

from export.graph import END, Graph
from realtime.model import schema
from trainer.components.layout import DECAYS, FREE, MAX_SWEEP, MIDDLE_HZ, RATIOS, SPREAD, SWEEP_S
from trainer.models.modal import LEAK, LOUDEST, LOUDEST_MODE, PITCH_SCALE, SHARPNESS, ModalDecoder


def decoder_graph(decoder: ModalDecoder) -> onnx.ModelProto:
    """Return a graph that computes the results of `decoder`; `realtime.model.schema` defines the names."""
    graph = Graph()
    hop, rate, bands, modes = decoder.hop_length, decoder.sample_rate, decoder.bands, decoder.modes
    oscillators = FREE + modes
    layers = cast(list[nn.Linear], [decoder.hidden[0], decoder.hidden[2]])
    width = layers[1].out_features
    z = graph.input(schema.Z, np.float32, "voices", "frames", layers[0].in_features)
    frame = graph.input(schema.FRAME, np.int64, "voices")
    old_phase = graph.input(f"{schema.CACHE}phase", np.float32, "voices", 2, oscillators)
    old_level = graph.input(f"{schema.CACHE}level", np.float32, "voices", 1, 2 * bands + oscillators)
    old_decay = graph.input(f"{schema.CACHE}decay", np.float32, "voices", 1, modes)
    voices = graph.node("Shape", z, start=0, end=1)
    frames = graph.node("Shape", z, start=1, end=2)
    counted = graph.node("Range", graph.constant(0), graph.node("Squeeze", frames), graph.constant(1))
    index = graph.node("Add", graph.node("Unsqueeze", frame, graph.constant([1])), counted)
    after = graph.node("Add", index, graph.constant(1))
    later = graph.node("Min", index, graph.constant(1))
    fresh = graph.node("Sub", graph.constant(1.0), graph.node("Cast", later, to=_FLOAT))  # 1 at frame 0
    fresh = graph.node("Unsqueeze", fresh, graph.constant([2]))

    def dense(value: str, layer: nn.Linear) -> str:
        return graph.node("Gemm", value, graph.constant(layer.weight), graph.constant(layer.bias), transB=1)

    def by_frame(value: str, width: int) -> str:
        return graph.reshape(value, voices, -1, width)

    exact = graph.node("Cast", graph.reshape(z, -1, layers[0].in_features), to=_DOUBLE)
    hidden = graph.node("Cast", _hidden_double(graph, exact, *layers), to=_FLOAT)
    column = graph.reshape(hidden, voices, -1, width, 1)

    # levels at the end of each frame, and at the beginning of the first frame
    ends, firsts = _levels(graph, decoder, hidden, column, after)
    ends, firsts = (by_frame(each, bands + FREE) for each in (ends, firsts))
    level, decay = graph.nodes(
        "Split", 2, dense(hidden, decoder.mode_heads), graph.constant([modes, modes]), axis=1
    )
    low, high = (math.log(edge) for edge in DECAYS)
    decay = graph.node("Mul", graph.node("Sigmoid", decay), graph.constant(high - low))
    decay = graph.node("Exp", graph.node("Add", decay, graph.constant(low)))
    decay = by_frame(graph.node("Mul", decay, graph.constant(hop / rate)), modes)
    fallen = graph.node("Add", graph.node("CumSum", decay, graph.constant(1)), old_decay)
    chance = graph.node("Sub", dense(hidden, decoder.presence), graph.constant(decoder.draw))
    opened = graph.node("Sigmoid", graph.node("Mul", chance, graph.constant(SHARPNESS)))
    opened = by_frame(opened, modes)
    level = by_frame(level, modes)
    most = graph.constant(LOUDEST), graph.constant(LOUDEST_MODE)

    rings = by_frame(graph.node("Sigmoid", dense(hidden, decoder.ringing)), bands)
    still = graph.node("Sub", graph.constant(1.0), rings)
    parts_of_noise = [graph.node("Sqrt", each) for each in (still, rings)]

    def ringing(noise: str) -> list[str]:
        return [graph.node("Mul", noise, part) for part in parts_of_noise]

    def amplitudes(free: str, mode: str, boundary: str) -> str:
        free, mode = (
            graph.node("Exp", graph.node("Min", *pair)) for pair in ((free, most[0]), (mode, most[1]))
        )
        noise, free = graph.nodes("Split", 2, free, graph.constant([bands, FREE]), axis=2)
        both = graph.concat([*ringing(noise), free, graph.node("Mul", mode, opened)], 2)
        return graph.node("Mul", both, _gate(graph, decoder, end, boundary))

    end = graph.node("Sigmoid", dense(hidden, decoder.end))
    end = graph.node("Mul", end, graph.constant(decoder.frames + decoder.gate_frames))
    end = by_frame(graph.node("Min", end, graph.constant(float(decoder.frames))), 1)
    ends = amplitudes(
        ends, graph.node("Sub", level, fallen), graph.node("Unsqueeze", after, graph.constant([2]))
    )
    firsts = graph.node("Exp", graph.node("Min", graph.slice(firsts, 0, bands, 2), most[0]))
    firsts = graph.node("Mul", graph.concat(ringing(firsts), 2), graph.constant(decoder.begins))
    firsts = graph.node(
        "Mul", firsts, _gate(graph, decoder, end, graph.node("Unsqueeze", index, graph.constant([2])))
    )
    from_zero = graph.node("Pad", graph.node("Mul", fresh, firsts), graph.constant([0] * 5 + [oscillators]))
    course = graph.concat([old_level, ends], 1)  # the only node that reads the cache
    before = graph.slice(course, 0, -1, 1)
    starts = graph.node("Add", before, from_zero)  # at frame 0 the cache is 0

    # phases
    turn, bend = _frequencies(graph, decoder, exact, voices, index, after)
    half = graph.node("Mul", bend, _double(graph, 0.5))
    steps = _fraction(graph, graph.node("Mul", graph.node("Add", turn, half), _double(graph, hop)))
    phase = graph.node("Cast", old_phase, to=_DOUBLE)
    phase = graph.node("ReduceSum", phase, graph.constant([1]), keepdims=1)
    first = graph.node("Cast", graph.node("Tanh", dense(hidden, decoder.free_phase)), to=_DOUBLE)
    still = graph.node(
        "Expand",
        _double(graph, decoder.start_phase),
        graph.node("Concat", graph.node("Shape", hidden, start=0, end=1), graph.constant([modes]), axis=0),
    )
    first = by_frame(graph.concat([first, still], 1), oscillators)
    first = graph.slice(graph.node("Mul", first, graph.node("Cast", fresh, to=_DOUBLE)), 0, 1, 1)
    phase = graph.node("Add", phase, first)
    at = _fraction(
        graph, graph.node("Add", phase, graph.node("CumSum", steps, graph.constant(1), exclusive=1))
    )
    passed = _fraction(graph, graph.node("Add", graph.slice(at, -1, END, 1), graph.slice(steps, -1, END, 1)))
    whole = graph.node("Cast", passed, to=_FLOAT)
    rest = graph.node("Sub", passed, graph.node("Cast", whole, to=_DOUBLE))
    new_phase = graph.concat([whole, graph.node("Cast", rest, to=_FLOAT)], 1)

    # sound
    m = np.arange(hop, dtype=np.float32)
    ramp = np.stack((1.0 - m / hop, m / hop))
    tau = _double(graph, 2 * math.pi)

    def radians(value: str) -> list[str]:
        """Return cycles as radians for the free oscillators and the modes, float32 [voices, frames, …, 1]."""
        single = graph.node("Cast", graph.node("Mul", value, tau), to=_FLOAT)
        single = graph.node("Unsqueeze", single, graph.constant([3]))
        return graph.nodes("Split", 2, single, graph.constant([FREE, modes]), axis=2)

    angles = []
    for begin, advance in zip(radians(at), radians(turn), strict=True):
        angles.append(graph.node("Add", begin, graph.node("Mul", advance, graph.constant(m))))
    bent = graph.node("Mul", radians(bend)[0], graph.constant(m * m / (2 * hop)))
    angles[0] = graph.node("Add", angles[0], bent)
    sources = [_noise(graph, decoder, index), *(graph.node("Sin", angle) for angle in angles)]
    both = [graph.node("Unsqueeze", each, graph.constant([2])) for each in (starts, ends)]
    levels = graph.nodes("Split", 3, graph.concat(both, 2), graph.constant([2 * bands, FREE, modes]), axis=3)
    parts = [graph.node("MatMul", *pair) for pair in zip(levels, sources, strict=True)]
    mixed = graph.node("Add", graph.node("Add", *parts[:2]), parts[2])
    audio = graph.node(
        "ReduceSum", graph.node("Mul", mixed, graph.constant(ramp)), graph.constant([2]), keepdims=0
    )

    graph.output(graph.reshape(audio, voices, -1), schema.AUDIO, np.float32, "voices", f"frames*{hop}")
    for name, value, shape in (
        ("phase", new_phase, (2, oscillators)),
        ("level", graph.slice(course, -1, END, 1), (1, 2 * bands + oscillators)),
        ("decay", graph.slice(fallen, -1, END, 1), (1, modes)),
    ):
        graph.output(value, f"{schema.NEW_CACHE}{name}", np.float32, "voices", *shape)
    return graph.model()


_FLOAT, _DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE


def _double(graph: Graph, value: float | np.ndarray | Tensor) -> str:
    """Return a float64 constant."""
    return graph.constant(value, np.float64)


def _dense_double(graph: Graph, x: str, layer: nn.Linear) -> str:
    """Apply a dense layer in float64; its weights are stored as float32."""
    weight, bias = (
        graph.node("Cast", graph.constant(each), to=_DOUBLE) for each in (layer.weight, layer.bias)
    )
    return graph.node("Gemm", x, weight, bias, transB=1)


def _hidden_double(graph: Graph, x: str, *layers: nn.Linear) -> str:
    """Apply dense layers, each with a leaky ReLU, in float64."""
    for layer in layers:
        x = _dense_double(graph, x, layer)
        x = graph.node("Max", x, graph.node("Mul", x, _double(graph, LEAK)))
    return x


def _fraction(graph: Graph, value: str) -> str:
    """Return value - floor(value)."""
    return graph.node("Sub", value, graph.node("Floor", value))


def _rows(graph: Graph, column: str, index: str, weight: str, bias: Tensor) -> str:
    """Apply a dense layer with different weights for each frame.

    The input `column` is [voices, frames, width, 1], `weight` is [knots, values, width], and the result is
    [voices, frames, values].
    """
    weights = graph.node("Gather", weight, index, axis=0)
    products = graph.node("Squeeze", graph.node("MatMul", weights, column), graph.constant([3]))
    return graph.node("Add", products, graph.node("Gather", graph.constant(bias), index, axis=0))


def _levels(graph: Graph, decoder: ModalDecoder, hidden: str, column: str, after: str) -> tuple[str, str]:
    """Return log levels of noise and free oscillators, at the end of each frame and at frame 0.

    Each of the two results has the shape [voices * frames, bands + oscillators].
    """
    values = decoder.knot_values.shape[1]
    knot = graph.node("Gather", graph.constant(decoder.knot), after, axis=0)
    share = graph.node("Gather", graph.constant(decoder.share[:, None]), after, axis=0)
    weight, bias = graph.weight(decoder.knot_values), decoder.knot_bias
    one = _rows(graph, column, knot, weight, bias)
    other = _rows(graph, column, graph.node("Add", knot, graph.constant(1)), weight, bias)
    between = graph.node("Add", one, graph.node("Mul", share, graph.node("Sub", other, one)))
    start = graph.constant(decoder.knot_values[0]), graph.constant(bias[0])
    begin = graph.node("Gemm", hidden, *start, transB=1)
    layer = decoder.levels
    found = [
        graph.node("Gemm", each, graph.constant(layer.weight), graph.constant(layer.bias), transB=1)
        for each in (graph.reshape(between, -1, values), begin)
    ]
    return found[0], found[1]


def _gate(graph: Graph, decoder: ModalDecoder, end: str, boundary: str) -> str:
    """Return the factor that fades a sound out in a straight line before its end: [voices, frames, 1]."""
    left = graph.node("Sub", end, graph.node("Cast", boundary, to=_FLOAT))
    left = graph.node("Mul", left, graph.constant(1.0 / decoder.gate_frames))
    return graph.node("Clip", left, graph.constant(0.0), graph.constant(1.0))


def _frequencies(
    graph: Graph, decoder: ModalDecoder, z: str, voices: str, index: str, after: str
) -> tuple[str, str]:
    """Return the frequencies at the start of each frame, and their changes until its end.

    Both results are in cycles per sample: float64 [voices, frames, oscillators and modes].

    Args:
        z: float64 [voices * frames, latent_dim].
    """
    pitch, rate = decoder.pitch, decoder.sample_rate
    x = _dense_double(graph, _hidden_double(graph, z, pitch.first, pitch.second), pitch.out)
    body = graph.node("Mul", graph.slice(z, 0, 1, 1), _double(graph, PITCH_SCALE))
    x = graph.concat([body, x], 1)
    low, high = (math.log(edge) for edge in SWEEP_S)
    offset = [
        math.log(MIDDLE_HZ),
        *(0.5 * math.log(a * b) for a, b in RATIOS),
        0.5 * MAX_SWEEP,
        0.5 * (low + high),
    ]
    scale = [SPREAD, *(0.5 * math.log(b / a) for a, b in RATIOS), 0.5 * MAX_SWEEP, 0.5 * (high - low)]
    x = graph.node(
        "Mul", graph.node("Tanh", x), _double(graph, np.array([*scale, *[pitch.half_zone] * decoder.modes]))
    )
    x = graph.node("Add", x, _double(graph, np.array([*offset, *pitch.zones.tolist()])))
    x = graph.reshape(x, voices, -1, FREE + 2 + decoder.modes)
    first, ratio, sweep, tau, mode = graph.nodes(
        "Split", 5, x, graph.constant([1, FREE - 1, 1, 1, decoder.modes]), axis=2
    )
    ratios = graph.concat([graph.node("Mul", first, _double(graph, 0.0)), ratio], 2)
    base = graph.node("Exp", graph.node("Add", first, ratios))
    inverse = graph.node("Exp", graph.node("Mul", tau, _double(graph, -1.0)))
    modes = graph.node("Mul", graph.node("Exp", mode), _double(graph, 1.0 / rate))
    hz = []
    for boundary in (index, after):
        second = graph.node("Unsqueeze", graph.node("Cast", boundary, to=_DOUBLE), graph.constant([2]))
        second = graph.node("Mul", second, _double(graph, -decoder.hop_length / rate))
        fall = graph.node("Exp", graph.node("Mul", second, inverse))
        bent = graph.node("Add", graph.node("Mul", sweep, fall), _double(graph, 1.0))
        hz.append(graph.node("Mul", graph.node("Mul", base, bent), _double(graph, 1.0 / rate)))
    rise = graph.node("Sub", hz[1], hz[0])
    flat = graph.node("Mul", modes, _double(graph, 0.0))
    return graph.concat([hz[0], modes], 2), graph.concat([rise, flat], 2)


def _noise(graph: Graph, decoder: ModalDecoder, index: str) -> str:
    """Return each frame's section of the stored noise: [voices, frames, bands, hop]."""
    hop, table = decoder.hop_length, decoder.noise.numpy()
    rows = table.shape[1] // hop
    row = graph.node("Unsqueeze", index, graph.constant([2]))
    row = graph.node("Mod", row, graph.constant(decoder.periods))
    row = graph.node("Add", row, graph.constant(np.arange(len(table)) * rows))
    stored = graph.constant(table.reshape(-1, hop), np.float16)  # exact: the table is rounded
    return graph.node("Cast", graph.node("Gather", stored, row, axis=0), to=_FLOAT)
