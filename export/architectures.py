"""A table of the functions that make the ONNX graphs of each architecture (type of model)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import onnx

from export import cc, dc, mb, modal, modal_encoder
from trainer.models.vae import VAE


class Graphs(NamedTuple):
    """Functions that make the graphs of an architecture.

    Attributes:
        decoder: makes the streaming graph of a decoder. The numbers of voices and frames may differ between
            calls of the graph.
        encoder: makes the graph of an encoder, given the length of a sound in samples.
    """

    decoder: Callable[[Any], onnx.ModelProto]
    encoder: Callable[[Any, int], onnx.ModelProto]


GRAPHS = {
    "dc": Graphs(dc.decoder_graph, dc.encoder_graph),
    "cc": Graphs(cc.decoder_graph, cc.encoder_graph),
    "mb": Graphs(mb.decoder_graph, mb.encoder_graph),
    "modal": Graphs(modal.decoder_graph, modal_encoder.encoder_graph),
}
"""The graphs of each architecture, by its name in `trainer.architectures`."""


def decoder_graph(model: VAE) -> onnx.ModelProto:
    """Make the streaming graph of a model's decoder; `realtime.model.schema` defines the names and shapes."""
    return GRAPHS[model.config.architecture].decoder(model.decoder)


def encoder_graph(model: VAE) -> onnx.ModelProto:
    """Make the graph of a model's encoder; `realtime.model.schema` defines the names and shapes."""
    return GRAPHS[model.config.architecture].encoder(model.encoder, model.config.length)
