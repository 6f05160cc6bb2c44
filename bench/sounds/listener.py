"""The listener: a classifier that is trained only on real sounds and finds the class of a decoded sound.

The listener is a convolutional network whose input is log-mel levels. It shares only the computation of these
levels with the evaluated model. Training augments the sounds: they are shifted in time and pitch, stretched,
masked in part, and given a higher noise floor.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.config import ModelConfig
from trainer.models.mb import LEVELS, MBEncoder

STEPS, BATCH, RATE = 1500, 32, 2e-3
"""Number of steps, sounds in a step, and peak learning rate (AdamW with a one-cycle schedule)."""
WIDTH = 96  # channels of the convolutions


class Listener(nn.Module):
    """Classifier: audio [B, 1, T] -> logits [B, classes]."""

    def __init__(self, sample_rate: int, length: int, classes: int) -> None:
        super().__init__()
        self.front = MBEncoder(ModelConfig("mb", sample_rate, length, 1, hop_length=length, bands=1))
        layers: list[nn.Module] = []
        for before in (LEVELS, WIDTH, WIDTH):
            layers += [nn.Conv1d(before, WIDTH, 5, padding=2), nn.BatchNorm1d(WIDTH), nn.ReLU()]
            layers += [nn.MaxPool1d(2, ceil_mode=True), nn.Dropout(0.1)]
        self.layers = nn.Sequential(*layers)
        self.out = nn.Linear(2 * WIDTH, classes)

    def forward(self, audio: Tensor) -> Tensor:
        return self.judge(self.front.levels(audio))

    def judge(self, levels: Tensor) -> Tensor:
        """Classify levels [B, 48, windows]; return logits [B, classes]. The mean level is ignored."""
        x = self.layers(levels - levels.mean((1, 2), keepdim=True))
        return self.out(torch.cat((x.mean(2), x.amax(2)), 1))

    @torch.inference_mode()
    def probabilities(self, audio: Tensor) -> Tensor:
        """Return the class probabilities [N, classes] of audio [N, 1, T]."""
        return torch.cat([self(part).softmax(1) for part in audio.split(32)])


def fit(waveforms: Tensor, labels: Tensor, sample_rate: int, seed: int = 0) -> Listener:
    """Train a listener on real sounds [N, 1, T] with labels [N]; all classes are drawn equally often."""
    torch.manual_seed(seed)
    model = Listener(sample_rate, waveforms.shape[-1], int(labels.max()) + 1)
    model.front.requires_grad_(False)
    with torch.no_grad():
        levels = torch.cat([model.front.levels(part) for part in waveforms.split(32)])
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS)
    share = 1.0 / torch.bincount(labels).clamp(min=1).double()
    for _ in range(STEPS):
        rows = torch.multinomial(share[labels], BATCH, replacement=True)
        loss = functional.cross_entropy(
            model.judge(_augmented(levels[rows])), labels[rows], label_smoothing=0.1
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def _augmented(levels: Tensor) -> Tensor:
    """Augment levels [B, 48, F]: stretch and shift in time, shift in pitch, mask, raise the noise floor."""
    batch, bands, windows = levels.shape
    stretch = 0.8 + 0.4 * torch.rand(batch, 1)
    late = 0.3 * (torch.rand(batch, 1) - 0.5)
    pitch = 0.16 * (torch.rand(batch, 1) - 0.5)
    across = torch.linspace(-1, 1, windows)[None] * stretch + late
    down = torch.linspace(-1, 1, bands)[None] + pitch
    grid = torch.stack(
        (across[:, None].expand(-1, bands, -1), down[:, :, None].expand(-1, -1, windows)), dim=-1
    )
    moved = functional.grid_sample(levels[:, None], grid, padding_mode="border", align_corners=True)[:, 0]
    floor = moved.amin((1, 2), keepdim=True)
    for axis, size in ((1, bands), (2, windows)):
        begin = torch.rand(batch, 1) * size
        position = torch.arange(size)[None]
        hidden = (position >= begin) & (position < begin + 0.15 * size)
        hidden = hidden[:, :, None] if axis == 1 else hidden[:, None]
        moved = torch.where(hidden, floor, moved)
    return torch.maximum(moved, floor + torch.rand(batch, 1, 1))
