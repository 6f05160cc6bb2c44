"""The results of the paper, for comparison.

"The paper" is Lionello and Purwins, *End-to-End Dilated Variational Autoencoder with Bottleneck
Discriminative Loss for Sound Morphing*.
"""

from __future__ import annotations

DIGITS = tuple("0123456789")
"""The classes of Table 3, in the order of the table."""
DEVIATIONS: dict[str, tuple[tuple[float, float], ...]] = {
    "DC-VAE": (
        (-0.29, 0.96),
        (-0.47, 0.16),
        (-0.38, 0.51),
        (0.00, 1.19),
        (-0.25, 0.71),
        (-0.46, 0.14),
        (-0.32, 0.73),
        (-0.37, 0.27),
        (-0.42, 0.47),
        (-0.32, 0.68),
    ),
    "CC-VAE": (
        (0.79, 1.65),
        (0.79, 1.72),
        (0.03, 1.13),
        (0.69, 1.71),
        (0.38, 1.43),
        (0.02, 1.14),
        (-0.24, 0.93),
        (-0.21, 0.90),
        (-0.05, 1.19),
        (-0.23, 0.83),
    ),
    "DC-VAE (non-class)": (
        (3.39, 2.23),
        (5.98, 3.25),
        (3.81, 1.98),
        (5.59, 3.13),
        (2.55, 1.86),
        (5.17, 2.58),
        (5.95, 2.88),
        (3.48, 2.00),
        (2.88, 2.00),
        (6.41, 4.73),
    ),
}
"""Table 3: MFCC-DTW deviation, mean and standard deviation of each digit."""
NEAREST_NEIGHBOUR = {"DC-VAE": 0.96, "CC-VAE": 0.94}
"""Section 5: nearest-neighbour (1-NN) accuracy on the test set."""


def average(model: str) -> tuple[float, float]:
    """Return the last row of Table 3 for a model: the means of its two columns."""
    means, stds = zip(*DEVIATIONS[model], strict=True)
    return sum(means) / len(means), sum(stds) / len(stds)
