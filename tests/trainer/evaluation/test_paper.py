"""Tests for the comparison of an evaluation with the numbers in the paper."""

from __future__ import annotations

import dataclasses

import pytest

from trainer.data.mfcc_dtw import Deviation, Settings
from trainer.evaluation import paper, tables
from trainer.evaluation.evaluate import ClassResult, Evaluation, Spread


@pytest.mark.parametrize(
    ("model", "printed"),
    [("DC-VAE", "-0.33 0.58"), ("CC-VAE", "0.20 1.26"), ("DC-VAE (non-class)", "4.52 2.66")],
)
def test_averages_are_the_last_row_of_table_3(model: str, printed: str) -> None:
    assert "{:.2f} {:.2f}".format(*paper.average(model)) == printed


@pytest.fixture
def evaluation() -> Evaluation:
    """Return an evaluation of digits, one of which has too few test sounds."""
    nothing, known = Deviation(None, None), Deviation(-0.5, 0.25)
    classes = tuple(
        ClassResult(name, 10, known if name != "3" else nothing, known, known, None, None, None, None)
        for name in paper.DIGITS
    )
    run = {"architecture": "dc", "discriminative": True, "checkpoint": "last.safetensors", "epoch": 117}
    run |= {"test_sounds": 100, "train_sounds": 400, "chosen_by_validation": False, "leak": False}
    spread = Spread(17.0, 1.0, 16.0)
    return Evaluation(run, 0.955, 0.9, None, spread, spread, spread, classes, Settings())


def test_digits_are_compared_with_table_3(evaluation: Evaluation) -> None:
    table = tables.against_paper(evaluation)
    assert table is not None
    assert table.heading[1] == "this run, DC-VAE"
    assert table.rows[3] == ("3", "–", "0.00 ± 1.19", "+0.69 ± 1.71", "+5.59 ± 3.13")
    assert table.rows[-1] == ("average", "−0.50 ± 0.25", "−0.33 ± 0.58", "+0.20 ± 1.26", "+4.52 ± 2.66")
    assert tables.summary(evaluation).rows[0] == ("1-NN, training → test sounds", "95.5%", "96.0%")
    assert [row[0] for row in tables.summary(evaluation).rows[2:]] == [
        "reconstruction SNR, dB",
        "reconstruction SNR of training sounds, dB",
        "reconstruction, multi-resolution STFT distance",
    ]
    assert evaluation.to_dict()["paper"]["deviation"]["CC-VAE"]["9"] == (-0.23, 0.83)


def test_run_without_the_classification_loss_is_called_non_class(evaluation: Evaluation) -> None:
    plain = dataclasses.replace(evaluation, run=evaluation.run | {"discriminative": False})
    assert plain.model == "DC-VAE (non-class)"
    assert len(tables.summary(plain).heading) == 2
