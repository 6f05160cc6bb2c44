"""Names of classes and sounds are found in the spellings that people use."""

from __future__ import annotations

import pytest

from realtime.model.names import Names

KIT = ("clap", "closed-hat", "cymbal", "kick", "open-hat", "perc", "rim", "snare", "tom")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Closed Hat", "closed-hat"),
        ("closed_hats", "closed-hat"),
        ("hihat", "closed-hat"),
        ("Hi-Hats", "closed-hat"),
        ("open hihat", "open-hat"),
        ("Hats Open", "open-hat"),
        ("crashes", "cymbal"),
        ("SNARE DRUM", "snare"),
        ("toms", "tom"),
        ("side stick", "rim"),
        ("cowbell", None),
        ("", None),
    ],
)
def test_a_drum_is_found_by_any_usual_word(said: str, name: str | None) -> None:
    assert Names(KIT).find(said) == name


@pytest.mark.parametrize(
    ("said", "name"),
    [("open-hat", "Hat Opens"), ("oh", "Hat Opens"), ("ch", "Hat Closeds"), ("hihat", "Hat Closeds")],
)
def test_classes_with_their_words_in_a_different_order_are_found(said: str, name: str) -> None:
    assert Names(("Hat Closeds", "Hat Opens", "Kicks")).find(said) == name


def test_each_spelling_finds_its_name() -> None:
    words = Names(KIT).spellings()
    assert {words[word] for word in ("hihat", "hh", "closedhat")} == {"closed-hat"}
    assert all(Names(KIT).find(word) == name for word, name in words.items())
    assert Names(("6", "7")).spellings()["six"] == "6"


def test_class_names_of_newer_kits_find_the_classes_of_older_kits() -> None:
    assert Names(("hihat", "kick")).find("closed-hat") == "hihat"


def test_exact_name_is_preferred_to_a_similar_one() -> None:
    names = Names(("Kick", "kick", "kicks", "bass", "glass"))
    assert [names.find(n) for n in ("kick", "kicks", "KICK", "glasses")] == ["kick", "kicks", "Kick", "glass"]


def test_a_sound_is_found_without_its_folder_if_only_one_has_that_name() -> None:
    names = Names(("Kicks", "Kicks/Kick 03", "Kicks/01", "Snares/01", "Snares", "Hats/Kicks"))
    assert [names.find_file(said) for said in ("Kick 03", "kick_03", "01", "Kick 04", "")] == [
        *("Kicks/Kick 03", "Kicks/Kick 03"),
        *(None, None, None),
    ]
    assert names.find("Kick 03") is None
    assert names.find("Kicks") == "Kicks"
