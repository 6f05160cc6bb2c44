"""The table of model architectures; the rest of the package takes all facts about an architecture from it.

"The paper" is Lionello and Purwins, *End-to-End Dilated Variational Autoencoder with Bottleneck
Discriminative Loss for Sound Morphing*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from trainer.config import ModelConfig

HOP_LENGTH = 32
"""Number of samples in a latent frame of the paper's models: five layers of stride 2 (Tables 1 and 2)."""


@dataclass(frozen=True)
class Architecture:
    """A kind of model. Encoder and decoder are given by name; the command line therefore needs no PyTorch.

    In the shapes, B is a number of sounds, T of samples and F of latent frames; D is the size of z, a point
    in the latent space.

    Attributes:
        summary: short description for the command line.
        encoder: "module:class" of the encoder, made from a ModelConfig; audio [B, 1, T] -> mean and log_var,
            [B, D] each.
        decoder: "module:class" of the decoder, made from a ModelConfig; z [B, D] or [B, F, D] -> audio
            [B, 1, T].
        check: raises ConfigError for a ModelConfig that this architecture does not support.
        keeps_prototypes: True if the model keeps a running mean of z for each class, as [loss] centre and
            centre_dtw require.
        learns_components: True if the decoder learns from the components of the sounds: oscillators, modes
            and noise (`trainer.components`).
        deepen: "module:function" that extends the weights of a model with fewer layers; the deeper model
            decodes the same sounds. "" if this architecture has no such function.
        packages: packages in the pip extra `train` that are required for training this architecture.
    """

    summary: str
    encoder: str
    decoder: str
    check: Callable[[ModelConfig], None]
    keeps_prototypes: bool = False
    learns_components: bool = False
    deepen: str = ""
    packages: tuple[str, ...] = ()


def _paper_frames(model: ModelConfig) -> None:
    if model.hop_length != HOP_LENGTH:
        raise ConfigError(
            f'[model] hop_length = {model.hop_length}: it must be {HOP_LENGTH} for "{model.architecture}"'
        )


def _whole_bands(model: ModelConfig) -> None:
    if model.hop_length % model.bands:
        raise ConfigError(
            f"[model] hop_length = {model.hop_length}: it must be a multiple of bands = {model.bands}"
        )


def _oscillators(model: ModelConfig) -> None:
    if model.modes < 2:
        raise ConfigError(f"[model] modes = {model.modes}: it must be at least 2")
    if model.knots < 2:
        raise ConfigError(f"[model] knots = {model.knots}: it must be at least 2")


ARCHITECTURES = {
    "dc": Architecture(
        summary="dilated convolutions (the paper's Table 1)",
        encoder="trainer.models.dc:DCEncoder",
        decoder="trainer.models.dc:DCDecoder",
        check=_paper_frames,
        deepen="trainer.models.dc:deepened",
        packages=("numba",),
    ),
    "cc": Architecture(
        summary="plain convolutions (the paper's Table 2)",
        encoder="trainer.models.cc:CCEncoder",
        decoder="trainer.models.cc:CCDecoder",
        check=_paper_frames,
    ),
    "mb": Architecture(
        summary="dilated convolutions on the bands of a filter bank",
        encoder="trainer.models.mb:MBEncoder",
        decoder="trainer.models.mb:MBDecoder",
        check=_whole_bands,
        keeps_prototypes=True,
    ),
    "modal": Architecture(
        summary="oscillators and band noise",
        encoder="trainer.models.modal_encoder:ModalEncoder",
        decoder="trainer.models.modal:ModalDecoder",
        check=_oscillators,
        learns_components=True,
    ),
}
"""Every architecture by its name in [model]."""
