"""Tests for the General MIDI drum map: the class that each note plays, and its transposition."""

from __future__ import annotations

import pytest

from realtime.control.general_midi import DRUMS
from realtime.model.decoder import resolve
from realtime.model.names import Names
from realtime.model.verify import read

WANTED = {
    "kick": (35, 36),
    "rim": (37,),
    "snare": (38, 40),
    "clap": (39,),
    "closed-hat": (42, 44),
    "open-hat": (46,),
    "tom": (41, 43, 45, 47, 48, 50),
    "cymbal": (49, 51, 52, 53, 55, 57, 59),
    "perc": (54, 56, 58, *range(60, 82)),
}


@pytest.fixture(scope="module")
def classes() -> Names:
    return Names(each.name for each in read(resolve("drums")).info.classes)


def test_every_note_plays_the_wanted_class_of_the_bundled_kit(classes: Names) -> None:
    found: dict[str | None, tuple[int, ...]] = {}
    for note, drum in sorted(DRUMS.items()):
        name = drum.of(classes)
        found[name] = (*found.get(name, ()), note)
    assert found == WANTED


def test_toms_rise_in_pitch_and_hats_choke_each_other() -> None:
    toms = [DRUMS[note].semitones for note in WANTED["tom"]]
    assert toms == sorted(set(toms))
    assert {note for note, drum in DRUMS.items() if drum.choke} == {42, 44, 46}
    assert len({DRUMS[note].choke for note in (42, 44, 46)}) == 1


def test_electric_snare_is_lower_than_acoustic_and_splash_is_the_highest_cymbal() -> None:
    assert (
        DRUMS[40].semitones < DRUMS[38].semitones
    )  # two semitones higher, the electric snare sounds like a hi-hat
    splash = DRUMS[55].semitones
    assert max(DRUMS[note].semitones for note in WANTED["cymbal"] if note != 55) < splash
    assert splash <= 3  # at 4 semitones or more, the splash sounds like a hi-hat
