"""Tests for `trainer evaluate` with a small run: numbers, text, JSON, report, and error messages."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from trainer.__main__ import main
from trainer.config import Config
from trainer.data import mfcc_dtw
from trainer.evaluation import evaluate, morph, quality, subject, tables
from trainer.losses.terms import spectral_distance, variational_terms
from trainer.models.vae import build
from trainer.run import checkpoint, validation

RATE, TAKES = 8000, 10
MakeSound = Callable[..., NDArray[np.float64]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, make_sound: MakeSound, config: Config) -> Path:
    """A folder with sounds/ (10 takes of each of the classes low and high) and run/, a run on these sounds.

    The run uses 5 takes of each class for training, 1 take for validation and 4 takes for the test.
    """
    place = tmp_path_factory.mktemp("evaluate")
    for label, frequency_hz in (("low", 110.0), ("high", 900.0)):
        (place / "sounds" / label).mkdir(parents=True)
        for take in range(TAKES):
            path = place / "sounds" / label / f"take <{take}>.wav"
            soundfile.write(path, make_sound(frequency_hz * (1 + 0.02 * take), seed=take), RATE)
    (place / "tiny.toml").write_text(config.replace("data", test_fraction=0.4).to_toml())
    words = ["fit", "--data", place / "sounds", "--config", place / "tiny.toml", "--out", place / "run"]
    assert main([str(word) for word in words]) == 0
    return place


@pytest.fixture(scope="module")
def tested(place: Path) -> subject.Subject:
    return subject.load(place / "run")


@pytest.fixture(scope="module")
def outputs(tested: subject.Subject) -> subject.Outputs:
    return subject.outputs_of(tested)


@pytest.fixture(scope="module")
def evaluation(tested: subject.Subject, outputs: subject.Outputs) -> evaluate.Evaluation:
    return evaluate.measure(tested, outputs)


def test_only_the_test_sounds_are_evaluated(tested: subject.Subject) -> None:
    assert tested.labels.tolist() == [0] * 4 + [1] * 4
    assert not set(tested.names) & set(tested.saved.anchors.names)
    assert len(tested.names) + len(tested.saved.anchors.names) == 2 * (TAKES - 1)


def test_evaluation_gives_the_same_numbers_as_validation_in_training(
    tested: subject.Subject, evaluation: evaluate.Evaluation, outputs: subject.Outputs
) -> None:
    config, anchors = tested.saved.config, tested.saved.anchors
    with torch.no_grad():
        output = tested.model(tested.waveforms)
    known = torch.tensor(anchors.labels)
    nearest = validation.nearest_neighbour(anchors.mean, known, output.mean, tested.labels)
    assert evaluation.nearest_neighbour == nearest
    noise = (outputs.audio - tested.waveforms).square().sum() / len(tested.test)
    terms = variational_terms(output, tested.waveforms, config.loss)
    assert noise.item() == pytest.approx(terms["reconstruction"].item(), rel=1e-4)
    energy = tested.waveforms.square().flatten(1).sum(1)
    snr = quality.snr_db(outputs.audio, tested.waveforms)
    assert (energy / 10 ** (snr / 10)).mean().item() == pytest.approx(noise.item(), rel=1e-4)
    assert evaluation.snr_db.mean == pytest.approx(snr.mean().item())


def test_training_sounds_are_reconstructed_too(
    tested: subject.Subject, evaluation: evaluate.Evaluation
) -> None:
    names = tested.saved.anchors.names
    sounds = tested.sounds.waveforms[[tested.sounds.names.index(name) for name in names]]
    with torch.no_grad():
        snr = quality.snr_db(tested.model(sounds).audio, sounds)
    assert evaluation.learned_snr_db.mean == pytest.approx(snr.mean().item(), rel=1e-3)
    assert evaluation.learned_snr_db.median == pytest.approx(snr.quantile(0.5).item(), rel=1e-3)


def test_first_sentence_states_that_training_used_the_test_sounds(evaluation: evaluate.Evaluation) -> None:
    leaked = dataclasses.replace(evaluation, run={**evaluation.run, "leak": True})
    assert tables.sentences(leaked)[0].startswith("Training used the test sounds, too")
    assert tables.sentences(leaked)[1:] == tables.sentences(evaluation)
    assert tables.summary(leaked).caption.endswith("(trained on 10 others and on these)")


def test_the_centre_of_a_class_is_its_decoded_mean_z(
    tested: subject.Subject, evaluation: evaluate.Evaluation
) -> None:
    model, settings = build(tested.saved.config.model, 2), mfcc_dtw.Settings()
    model.load_state_dict(tested.saved.model)
    with torch.no_grad():
        centre = model.decode(model.encode(tested.waveforms[4:])[0].mean(0, keepdim=True))
        learned = model.decode(tested.saved.anchors.mean[5:].mean(0, keepdim=True))
    sounds = [mfcc_dtw.features(sound[0].numpy(), settings) for sound in tested.waveforms[4:]]
    result = evaluation.classes[1]
    assert (result.name, result.sounds) == ("low", 4)
    blur = tested.waveforms[4:].mean(0, keepdim=True)
    cases = (
        (centre, result.centre),
        (learned, result.learned_centre),
        (centre / centre.abs().max(), result.centre_at_peak),
        (blur / blur.abs().max(), result.blur_at_peak),
    )
    for audio, ours in cases:
        assert ours is not None
        found = mfcc_dtw.features(audio[0, 0].numpy(), settings)
        by_hand = mfcc_dtw.deviation(found, sounds, mfcc_dtw.pairwise(sounds))
        assert ours.mean == pytest.approx(by_hand.mean, rel=1e-3)
    assert result.medoid in tested.names[4:]
    means = [one.centre.mean or 0.0 for one in evaluation.classes]
    assert evaluation.averages()["centre"].mean == pytest.approx(np.mean(means))


def test_spread_is_mean_standard_deviation_and_median() -> None:
    assert evaluate.Spread.of(torch.tensor([1.0, 2.0, 6.0])) == evaluate.Spread(3.0, (14 / 3) ** 0.5, 2.0)


def test_snr_of_known_noise() -> None:
    sound = torch.ones(3, 1, 1000)
    audio = sound.clone()
    audio[1] *= 0.9
    audio[2] = 0.0
    assert quality.snr_db(audio, sound).tolist() == pytest.approx([200.0, 20.0, 0.0], abs=1e-4)


def test_stft_distance_is_measured_for_each_sound() -> None:
    noise = torch.randn(3, 1, 2048, generator=torch.Generator().manual_seed(0))
    found = quality.stft_distance(noise * torch.tensor([1.0, 0.5, 0.0])[:, None, None], noise)
    assert found[0] == 0.0
    # a sound of half the magnitude has the convergence 1/2, and its log magnitudes differ by log 2
    assert found[1].item() == pytest.approx(0.5 + np.log(2), rel=1e-3)
    assert found[2] == spectral_distance(0 * noise[2:], noise[2:], quality.SIZES, quality.FLOOR)
    assert quality.stft_distance(noise[:, :, :32], noise[:, :, :32]).tolist() == [0.0] * 3


def test_json_contains_every_number_and_setting(
    place: Path, evaluation: evaluate.Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(place / "run"), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == f"measuring {place / 'run' / 'last.safetensors'} on 8 test sounds\n"
    assert found == json.loads(json.dumps(evaluation.to_dict()))
    assert found["settings"]["mfcc_dtw"]["window"] == 256
    assert found["settings"]["stft_distance"]["sizes"] == [64, 256, 1024]
    assert found["run"]["checkpoint"] == "last.safetensors"
    assert not found["run"]["chosen_by_validation"]
    assert found["classes"][0]["centre"]["mean"] == evaluation.classes[0].centre.mean
    assert "paper" not in found


def test_evaluation_is_printed_as_text(
    place: Path, evaluation: evaluate.Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(place / "run"), "--checkpoint", "best"]) == 0
    out = capsys.readouterr().out
    assert re.match(r"\d+% of the 8 test sounds lie nearest to a training sound of their own class\.\n", out)
    assert "DC-VAE, best.safetensors after" in out
    assert "chosen by the validation sounds, none of which is a test sound" in out
    assert f"Settings: {evaluation.settings}" in out


class Page(HTMLParser):
    """The tags, addresses and text of an HTML page; `open` contains the tags that are not closed yet."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_report_is_one_self_contained_page(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = place / "report.html"
    words = ["evaluate", str(place / "run"), "--report", str(path), "--morph", "low", "high"]
    assert main(words) == 0
    assert capsys.readouterr().err.endswith(f"wrote {path}\n")
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert all(re.match(r"data:(image/png|audio/wav);base64,", address) for address in page.addresses)
    assert page.tags.count("img") == 3
    # 9 steps of the morph; for each of 2 classes, 5 kinds of centre, and 2 sounds, real and reconstructed
    assert page.tags.count("audio") == 9 + 2 * 5 + 2 * 2 * 2
    parts = [
        "A morph: low to high",
        "Test sounds",
        "The results in words",
        "test sounds lie nearest",
        "1-NN, training",
    ]
    assert sorted(parts, key=page.text.index) == parts
    assert "low/take <" in page.text  # the "<" of a name is shown as text
    wav = next(address for address in page.addresses if address.startswith("data:audio"))
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(wav.partition(",")[2])))
    assert (len(sound), rate) == (1024, RATE)


def test_a_morph_decodes_equal_steps_from_one_test_sound_to_another(
    tested: subject.Subject, outputs: subject.Outputs
) -> None:
    assert morph.pick(tested, None) == (0, 1)
    assert morph.pick(tested, ["Lows", "HIGH"]) == (1, 0)
    found = morph.between(tested, outputs, (1, 0), steps=5)
    assert found.position == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert found.classes == ("low", "high")
    start, stop = (tested.names.index(name) for name in found.names)
    assert torch.allclose(found.audio[[0, -1]], outputs.audio[[start, stop]], atol=1e-5)
    middle = tested.decode((outputs.mean[start] + outputs.mean[stop])[None] / 2)
    assert torch.allclose(found.audio[2], middle[0], atol=1e-5)


def test_sounds_of_a_run_may_move_to_a_different_folder_but_may_not_change(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place / "sounds", place / "moved")
    assert main(["evaluate", str(place / "run"), "--data", str(place / "moved"), "--json"]) == 0
    next((place / "moved" / "low").iterdir()).unlink()
    capsys.readouterr()
    assert main(["evaluate", str(place / "run"), "--data", str(place / "moved"), "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        f"trainer evaluate: error: {place}/moved: its sounds are not those of this run (19 sounds now; "
        "the run was trained on 10)"
    )
    assert err.count("\n") == 1


def test_run_without_test_sounds_is_refused(
    place: Path, config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "all.toml").write_text(config.replace("data", test_fraction=0).to_toml())
    words = ["--data", str(place / "sounds"), "--config", str(tmp_path / "all.toml"), "--epochs", "1"]
    assert main(["fit", *words, "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    assert "it has no test sounds ([data] test_fraction = 0 of 20 sounds)" in capsys.readouterr().err


def test_diverged_model_is_refused(
    place: Path, tested: subject.Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = {name: tensor * 1e30 for name, tensor in tested.saved.model.items()}
    checkpoint.write(tmp_path / "far.safetensors", dataclasses.replace(tested.saved, model=weights))
    assert main(["evaluate", str(tmp_path / "far.safetensors")]) == 2
    err = capsys.readouterr().err
    assert err.endswith("far.safetensors: the output of the model is not finite: its training diverged\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("{tmp}/no", "{tmp}/no: no such run folder or checkpoint"),
        ("{tmp}", "{tmp}: no checkpoint in it (looked for last.safetensors)"),
        ("{tmp} --checkpoint best", "{tmp}: no checkpoint in it (looked for best.safetensors)"),
        ("{place}/tiny.toml", "{place}/tiny.toml: damaged, or not a checkpoint"),
        ("{place}/tiny.toml --checkpoint best", "{place}/tiny.toml: --checkpoint best needs a run folder"),
        ("{place}/run --data {tmp}/no", "{tmp}/no: no such folder"),
        ("{place}/run --published {tmp}/no", "{tmp}/no: no such folder"),
        ("{place}/run --published {tmp} --json", "--published adds to the tables: leave out --json"),
        ("{place}/run --report {tmp}", "--report {tmp}: a folder; give a file to write"),
        ("{place}/run --report {tmp}/no/a.html", "--report {tmp}/no/a.html: its folder does not exist"),
        ("{place}/run --morph low high", "--morph adds to the report"),
        (
            "{place}/run --report {tmp}/a.html --morph low mid",
            "--morph mid: no such class; choose from high, low",
        ),
    ],
)
def test_each_mistake_is_reported_in_one_line_with_exit_code_2(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    capsys.readouterr()
    places = {"tmp": tmp_path, "place": place}
    assert main(["evaluate", *(word.format(**places) for word in words.split())]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("trainer evaluate: error: " + message.format(**places))
    assert err.count("\n") == 1
    assert out == ""
    assert not (tmp_path / "a.html").exists()


def test_classes_with_too_few_test_sounds_have_no_row(evaluation: evaluate.Evaluation) -> None:
    first, *others = evaluation.classes
    nothing = mfcc_dtw.Deviation(None, None)
    few = dataclasses.replace(
        first,
        centre=nothing,
        learned_centre=nothing,
        centre_at_peak=nothing,
        blur_at_peak=None,
        references=None,
    )
    found = tables.deviations(dataclasses.replace(evaluation, classes=(few, *others)))
    assert found is not None
    assert [row[0] for row in found.rows] == [*(each.name for each in others), "average"]
    assert tables.deviations(dataclasses.replace(evaluation, classes=(few, few))) is None


def test_undefined_numbers_are_shown_as_dashes_in_tables(evaluation: evaluate.Evaluation) -> None:
    assert tables.number(mfcc_dtw.Deviation(None, None)) == "–"
    assert tables.number(mfcc_dtw.Deviation(-0.634, 0.5)) == "−0.63 ± 0.50"
    assert tables.number(mfcc_dtw.Deviation(-0.001, 0.0)) == "0.00 ± 0.00"
    assert tables.against_paper(evaluation) is None
    table = tables.Table("caption", ("", "a"), (("one", "1"), ("three", "10")), "note")
    assert tables.plain(table) == "caption\n        a\none     1\nthree  10\nnote"
