"""Tests for heads (classifiers on some dimensions of the latent space), their targets, and partners.

A training sound is averaged with its partner, which is a different training sound with the same targets.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from trainer.config import Config, DataConfig, ModelConfig
from trainer.data.sampling import batch, generator, partners
from trainer.data.sounds import prepare
from trainer.data.targets import classes_of, targets_of
from trainer.errors import ConfigError, DataError
from trainer.losses.terms import head_terms, weights
from trainer.models.heads import Heads
from trainer.models.vae import build

TWO = [
    {"name": "digit", "dims": [0, 2], "classes": 3},
    {"name": "speaker", "dims": [2, 3], "label": "speaker", "weight": 0.5, "classes": 2},
]
PATTERN = "{label}_{speaker}_{index}"


@pytest.fixture
def two(config: Config) -> Config:
    return config.replace("model", heads=TWO, classifier_hidden=[5]).replace("data", label_pattern=PATTERN)


@pytest.fixture
def spoken(folder: Path) -> Path:
    """A folder with twelve takes: two of each of the digits 0 to 2 by each of the speakers ann and bob."""
    for i, path in enumerate(sorted(folder.rglob("*.wav"))):
        path.rename(path.parent / f"{i % 3}_{('ann', 'bob')[i // 3 % 2]}_{i}.wav")
    return folder


def test_each_head_sees_only_its_dimensions(two: Config) -> None:
    model = build(two.model, 3)
    assert isinstance(model.classifier, Heads)
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    logits = model.classify_all(z)
    assert {name: tuple(found.shape) for name, found in logits.items()} == {
        "classification/digit": (4, 3),
        "classification/speaker": (4, 2),
    }
    assert torch.equal(model.classify(z), logits["classification/digit"])
    moved = z.clone()
    moved[:, 2] += 1.0
    again = model.classify_all(moved)
    assert torch.equal(again["classification/digit"], logits["classification/digit"])
    assert not torch.equal(again["classification/speaker"], logits["classification/speaker"])
    assert sum(p.numel() for p in model.classifier.parameters()) == (2 * 5 + 5 + 5 * 3 + 3) + (
        1 * 5 + 5 + 5 * 2 + 2
    )


def test_without_heads_one_classifier_uses_all_of_z(config: Config) -> None:
    model = build(config.replace("model", classifier_hidden=[5]).model, 4)
    z = torch.randn(2, 3)
    assert list(model.classify_all(z)) == ["classification"]
    assert torch.equal(model.classify_all(z)["classification"], model.classifier(z))


def test_targets_of_heads_are_fields_of_the_file_names(two: Config, spoken: Path) -> None:
    sounds = prepare(spoken, two.model, two.data)
    assert classes_of(sounds, two.model.heads) == (("0", "1", "2"), ("ann", "bob"))
    for name, (digit, speaker) in zip(sounds.names, targets_of(sounds, two.model.heads), strict=True):
        said, voice, _ = Path(name).name.split("_")
        assert (int(said), ("ann", "bob").index(voice)) == (digit, speaker)
    assert torch.equal(targets_of(sounds, ())[:, 0], sounds.labels)
    with pytest.raises(
        DataError, match=r"head speaker: no field speaker in \[data\] label_pattern; there are"
    ):
        classes_of(prepare(spoken, two.model, DataConfig()), two.model.heads)


def test_folders_may_give_the_classes_while_file_names_give_the_other_labels(
    two: Config, spoken: Path
) -> None:
    data = DataConfig(labels="folder", label_pattern="{digit}_{speaker}_{index}")
    sounds = prepare(spoken, two.model, data)
    assert sounds.classes == ("high", "low")
    assert Counter(sounds.fields["speaker"]) == {"ann": 6, "bob": 6}


def test_losses_and_weights_of_heads_equal_those_calculated_by_hand(two: Config) -> None:
    logits = {"classification/digit": torch.zeros(2, 3), "classification/speaker": torch.zeros(2, 2)}
    terms = head_terms(logits, torch.tensor([[0, 1], [2, 0]]))
    assert [term.item() for term in terms.values()] == pytest.approx([1.0986123, 0.6931472])
    found = weights(two.loss, 0, two.model.heads)
    assert (found["classification/digit"], found["classification/speaker"]) == pytest.approx((1.01, 0.505))


def test_heads_are_the_same_after_conversion_to_toml_and_back(two: Config) -> None:
    assert Config.from_toml(two.to_toml()) == two
    tables = (
        '[model]\nlatent_dim = 3\n[[model.heads]]\nname = "a"\ndims = [0, 3]\n'
        '[[model.heads]]\nname = "b"\ndims = [1, 2]\nlabel = "speaker"'
    )
    assert [head.name for head in Config.from_toml(tables).model.heads] == ["a", "b"]


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ([{"name": "a"}], "[model.heads]: it needs dims"),
        (
            [{"name": "a", "dims": [0, 31]}],
            "[model.heads] a: dims = [0, 31]: it must be [first, end], at most",
        ),
        ([{"name": "a", "dims": [2, 2]}], "[model.heads] a: dims = [2, 2]: it must be"),
        ([{"name": "a.b", "dims": [0, 2]}], "[model.heads] a.b: a name consists of letters"),
        ([{"name": "a", "dims": [0, 2]}] * 2, "[model.heads] a: a name consists of letters, digits and _"),
        ([{"name": "a", "dims": [0, 2], "label": "speaker"}], "[model.heads] a: the first head must have"),
        ([{"name": "a", "dim": [0, 2]}], "unknown key dim in [model.heads]; did you mean dims?"),
        ([3], "[model] heads = [3]: it must be a list of tables"),
    ],
)
def test_error_names_the_fault_of_a_head(heads: list[object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Config().replace("model", heads=heads)
    assert str(error.value).startswith(message)


def test_partners_are_other_training_sounds_with_the_same_targets() -> None:
    targets = torch.tensor([[0, 0], [0, 0], [0, 0], [0, 1], [1, 0], [0, 0]])
    train = torch.tensor([0, 1, 2, 3, 4])
    indices = torch.tensor([0, 3, 4, 1] * 100)
    found = partners(indices, targets, train, 1.0, generator(0, "mix"))
    kinds = {int(i): Counter(found[indices == i].tolist()) for i in indices.unique()}
    assert kinds[0].keys() == {1, 2}  # sound 5 is not a training sound
    assert kinds[1].keys() == {0, 2}
    assert min(kinds[0].values()) > 30
    assert (kinds[3], kinds[4]) == ({3: 100}, {4: 100})
    assert torch.equal(partners(indices, targets, train, 1.0, generator(0, "mix")), found)
    some = partners(torch.zeros(1000, dtype=torch.int64), targets, train, 0.2, generator(1, "mix"))
    assert (some != 0).sum() == pytest.approx(200, abs=60)


def test_batch_has_the_given_waveforms_in_place_of_the_stored_ones(folder: Path) -> None:
    sounds = prepare(folder, ModelConfig(sample_rate=8000, length=1024), DataConfig())
    expected = torch.stack([(sounds.waveforms[0] + sounds.waveforms[1]) / 2, sounds.waveforms[3]])
    found = batch(sounds, torch.tensor([0, 3]), waveform=expected)
    assert torch.equal(found.waveform, expected)
    assert torch.equal(found.encoder_input, expected)
    assert found.index.tolist() == [0, 3]
