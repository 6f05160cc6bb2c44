"""Derives the metadata of the exported model files from a training checkpoint."""

from __future__ import annotations

import math
import platform
from importlib import metadata
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export import first_morph
from export.errors import ExportError
from export.velocity import Directions
from realtime.model.preprocess import prepare
from realtime.model.schema import (
    MIN_REACH,
    Anchor,
    ClassInfo,
    DrumInfo,
    EncoderInfo,
    LatentStats,
    ModelInfo,
    Pca,
    Vector,
)
from realtime.util.errors import RealtimeError
from trainer.architectures import ARCHITECTURES
from trainer.config import Config
from trainer.data.audio import preparation
from trainer.models.modal import ModalDecoder
from trainer.models.vae import VAE

if TYPE_CHECKING:
    from trainer.run.checkpoint import Checkpoint

DECIMALS = 3
"""Decimals of z and of map coordinates; smaller differences are inaudible."""
CANDIDATES = 24
"""Number of training sounds of a class that are decoded to find the centre of the class."""
TYPICAL = 8
"""Number of typical sounds of a class among which its centre is chosen."""
AUDIBLE = 0.5
"""Least power of the pitch of a centre, relative to the median of the class."""
PITCHED = 0.25
"""If the median clarity of pitch (`_pitch`) in a class is above this value, the class has a pitch."""
BODY_S = (0.05, 0.3)
"""Start and end, in seconds, of the body of a drum sound: the part with the pitch."""


@torch.no_grad()
def describe(
    checkpoint: Checkpoint,
    model: VAE,
    name: str,
    velocity: Directions | None = None,
    candidates: int = CANDIDATES,
) -> ModelInfo:
    """Return the metadata of the decoder of a checkpoint.

    Args:
        checkpoint: the checkpoint, which contains z (the position in latent space) for each training sound.
        model: the model of the checkpoint, in evaluation mode.
        name: name of the model.
        velocity: directions in latent space in which hits get harder; None if unknown.
        candidates: number of training sounds of a class that are decoded to find the centre of the class; 1
            uses the sound in the middle of the class. Only the architecture "modal" uses this number; for all
            other architectures, the centre is the mean z.

    Raises:
        ExportError: if the checkpoint, or a class, has no training sounds.
    """
    anchors, labels = checkpoint.anchors, torch.tensor(checkpoint.anchors.labels)
    z = anchors.mean.double().round(decimals=DECIMALS)
    if not len(z):
        raise ExportError("the checkpoint contains no training sounds")
    centre = z.mean(0)
    axes, variance = _principal_axes(z - centre)
    places = (z - centre) @ axes[:2].T
    places = torch.nn.functional.pad(places, (0, 2 - places.shape[1]))
    config = checkpoint.config
    classes = []
    for label, class_name in enumerate(checkpoint.classes):
        members = z[labels == label]
        if len(members):
            centroid = members.mean(0)
            spread = (members - centroid).square().sum(1).mean().sqrt()
            # the mean z of many kits decodes to a weak sound
            if ARCHITECTURES[config.model.architecture].learns_components:
                others = [z[labels == other] for other in set(anchors.labels) - {label}]
                centroid = _most_typical(model, members, others, config, candidates)
            harder = () if velocity is None else _floats(velocity.classes[label])
            classes.append(ClassInfo(class_name, _floats(centroid), float(spread), harder))
    if len(classes) != len(checkpoint.classes):
        raise ExportError(f"one of the classes {', '.join(checkpoint.classes)} has no training sounds")
    centres = model.decode(torch.tensor([each.centroid for each in classes]))[:, 0].numpy()
    return ModelInfo(
        name=name,
        architecture=config.model.architecture,
        sample_rate=config.model.sample_rate,
        hop_length=config.model.hop_length,
        length=config.model.length,
        latent_dim=config.model.latent_dim,
        latent=LatentStats(
            _floats(centre),
            _floats(z.std(0, correction=0)),
            _floats(torch.quantile(z, 0.05, dim=0)),
            _floats(torch.quantile(z, 0.95, dim=0)),
        ),
        pca=Pca(tuple(_floats(axis) for axis in axes), _floats(variance)),
        classes=tuple(classes),
        anchors=tuple(
            Anchor(anchor, int(label), _floats(point), _floats(place.round(decimals=DECIMALS)))
            for anchor, label, point, place in zip(anchors.names, anchors.labels, z, places, strict=True)
        ),
        loudness_db=_loudness_db(centres),
        config_hash=config.digest(),
        licence=checkpoint.licence,
        credits=checkpoint.credits,
        tools={
            "soundmorph": metadata.version("soundmorph"),
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in ("torch", "onnx")},
        },
        training={
            "epochs": checkpoint.epoch,
            "steps": checkpoint.step,
            "sounds": len(z),
            "last_epoch": checkpoint.history[-1] if checkpoint.history else {},
            "prepared": _prepared(config),
        },
        drums=() if velocity is None else _drums(velocity),
        morph=first_morph.find(centres, config.model.sample_rate),
    )


def _drums(velocity: Directions) -> tuple[DrumInfo, ...]:
    reach = max(round(velocity.reach, 2), MIN_REACH)
    return tuple(
        DrumInfo(_floats(place.round(decimals=1)), reach, _floats(direction.round(decimals=2)))
        for place, direction in zip(velocity.places, velocity.drums, strict=True)
    )


def _most_typical(
    model: VAE, members: Tensor, others: list[Tensor], config: Config, candidates: int
) -> Tensor:
    """Return the z [D] that decodes to the most typical sound of a class.

    Because a typical z may decode to an untypical sound, the `candidates` points in the middle of the class
    are decoded, and the decoded sounds are encoded again. The best candidates are those whose newly encoded z
    has the smallest mean distance from the points of the class. The result is the first of the `TYPICAL` best
    that meets two conditions. First, its newly encoded z is nearer to this class than to any other. Second,
    if the class has a pitch, the clarity of its pitch is at least the median of the class, and the power of
    its pitch at least `AUDIBLE` times the median. If no candidate meets the first condition, the one that
    misses it by the least is used. If some do, but none of those meets the second, the one of those with the
    clearest pitch is used.

    Args:
        members: the points of the class, z of each of its sounds, [N, D]; the result is one of these rows.
        others: the points of each other class.
        candidates: number of points that are decoded.
    """
    middle = torch.cdist(members, members).mean(1).argsort()[:candidates]
    if len(middle) == 1:
        return members[middle[0]]
    decoded = model.decode(members[middle].float()).numpy()[:, 0]
    encoded = torch.stack([_encoded(model, sound, config) for sound in decoded]).to(members)
    distance = torch.cdist(encoded, members).mean(1)
    order = distance.argsort()[:TYPICAL]
    if others:
        away = torch.stack([torch.cdist(encoded, other).mean(1) for other in others]).amin(0)
        share = (distance / away)[order].nan_to_num(math.inf)  # silent sounds have no finite distance
        order = order[share <= max(1.0, share.min().item())]
    best = middle[order]
    clarity, power = _pitch(cast(ModalDecoder, model.decoder), members.float())
    if clarity.median() <= PITCHED:
        return members[best[0]]
    clear = best[(clarity[best] >= clarity.median()) & (power[best] >= AUDIBLE * power.median())]
    return members[clear[0] if len(clear) else best[clarity[best].argmax()]]


def _pitch(decoder: ModalDecoder, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the clarity of pitch, 0 to 1, and the power of the pitch, for the sounds at z [N, D]: [N] each.

    The power is that of the first oscillator in the body of the sound (`BODY_S`). The clarity is this power
    divided by all power in the body.
    """
    levels = decoder.knot_levels(decoder.hidden(z))
    seconds = decoder.knot_frame * (decoder.hop_length / decoder.sample_rate)
    power = levels[:, (seconds >= BODY_S[0]) & (seconds <= BODY_S[1])].mul(2.0).exp().sum(1)
    free = 0.5 * power[:, decoder.bands :]
    return free[:, 0] / (free.sum(1) + power[:, : decoder.bands].sum(1)), free[:, 0]


def _encoded(model: VAE, sound: NDArray[np.float32], config: Config) -> Tensor:
    """Return the z [D] of a sound [T]; all values are infinite if the sound is silent."""
    try:
        prepared = prepare(sound, config.model.sample_rate, preparation(config.model, config.data))
    except RealtimeError:
        return torch.full((config.model.latent_dim,), math.inf)
    return model.encode(torch.from_numpy(prepared)[None, None])[0][0]


def _prepared(config: Config) -> str:
    """Describe, in words, how sounds were prepared for training (`trainer.data.audio.preparation`)."""
    model, data = config.model, config.data
    fade = f" with a fade of {data.fade_ms:g} ms" if data.fade_ms else ""
    return (
        f"mixed to mono, mean removed, resampled to {model.sample_rate} Hz, peak 1; where longer than "
        f"{model.length} samples, leading blocks of {data.silence_block} below a mean square of "
        f"{data.silence_mean_square:g} cut; trimmed{fade} or "
        f"padded with zeros to {model.length} samples; peak 1"
    )


def describe_encoder(config: Config, decoder: ModelInfo) -> EncoderInfo:
    """Return the metadata of the encoder file that belongs to a decoder."""
    prepared = preparation(config.model, config.data)
    return EncoderInfo(decoder.name, decoder.architecture, decoder.latent_dim, decoder.digest, prepared)


def _principal_axes(centred: Tensor) -> tuple[Tensor, Tensor]:
    """Return the principal axes [D, D], as rows, and the variances [D] of centred points [N, D].

    The axis with the highest variance comes first.
    """
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    return vectors.T.flip(0), values.flip(0).clamp_min(0.0)


def _floats(vector: Tensor) -> Vector:
    """Convert to float64 values with the shortest decimals that give the same float32."""
    return tuple(float(str(v)) for v in vector.to(torch.float32).numpy())


def _loudness_db(sounds: NDArray[np.float32]) -> float:
    return 10.0 * math.log10(max(float(np.square(sounds).mean()), 1e-12))
