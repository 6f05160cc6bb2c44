"""Loads randomly changed model files with valid checksums.

`python -m bench.attack.hostile MODEL CASES SEED` loads CASES copies of MODEL, each with one random change. It
prints a JSON object: how many of the copies were refused and how many were played. A copy may crash the
program.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from realtime.model import schema
from realtime.model.decoder import Decoder
from realtime.util.errors import ModelError


def mutate(model: onnx.ModelProto, chance: random.Random) -> None:
    """Make a random change to the graph, the weights or the metadata of a model; the result still parses."""
    graph = model.graph
    node = chance.choice(graph.node)
    match chance.randrange(8):
        case 0:
            if node.input:
                node.input[chance.randrange(len(node.input))] = chance.choice(
                    chance.choice(graph.node).output
                )
        case 1:
            node.op_type = chance.choice(graph.node).op_type
        case 2:
            graph.node.remove(node)
        case 3:
            tensor = chance.choice(graph.initializer)
            values = bytearray(tensor.raw_data)
            for _ in range(chance.randrange(1, 4)):
                if values:
                    values[chance.randrange(len(values))] = chance.randrange(256)
            tensor.raw_data = bytes(values)
        case 4:
            tensor = chance.choice(graph.initializer)
            if tensor.dims:
                tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice([0, 1, 2, 2**20, 2**40])
        case 5:
            value = chance.choice([*graph.input, *graph.output])
            dims = value.type.tensor_type.shape.dim
            dims[chance.randrange(len(dims))].dim_value = chance.choice([0, 1, 7, 2**20])
        case 6:
            facts = json.loads(next(e.value for e in model.metadata_props if e.key == schema.INFO_KEY))
            facts[chance.choice(sorted(facts))] = chance.choice([0, -1, 1, 32, 10**6, "x", [], {}, None, 0.5])
            next(e for e in model.metadata_props if e.key == schema.INFO_KEY).value = json.dumps(facts)
        case _:
            for attribute in node.attribute:
                attribute.i = chance.choice([-(2**31), -1, 0, 1, 2**31])


def main() -> int:
    """Load the changed models, and print how many were refused and how many were played."""
    source, cases, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    plain = onnx.load(str(source))
    del plain.metadata_props[-1]  # the checksum
    refused = played = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        for _ in range(cases):
            model = onnx.ModelProto()
            model.CopyFrom(plain)
            mutate(model, chance)
            path.write_bytes(schema.add_checksum(model.SerializeToString()))
            try:
                decoder = Decoder(path, capacity=1)
                decoder.step(np.zeros((1, 1, decoder.info.latent_dim), np.float32))
                played += 1
            except ModelError:
                refused += 1
    print(json.dumps({"refused": refused, "played": played}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
