"""A MIDI file, played through the General MIDI map, triggers the right drums of the bundled kit."""

from __future__ import annotations

from pathlib import Path

from bench.drum_map import NOTES, expected_class, nearest, played, write
from realtime.control.general_midi import DRUMS
from realtime.model.decoder import Decoder, resolve
from realtime.model.names import Names
from realtime.synth.mixer import slots_for


def test_sound_of_each_untransposed_note_is_closest_to_that_of_its_class(tmp_path: Path) -> None:
    decoder = Decoder(resolve("drums"), capacity=slots_for(2))
    classes = Names(each.name for each in decoder.info.classes)
    write(tmp_path / "drums.mid", [note for note in NOTES if DRUMS[note].semitones == 0])
    notes, sounds = zip(*played(tmp_path / "drums.mid", decoder), strict=True)
    heard = nearest(sounds, decoder)
    assert heard == [expected_class(note, classes) for note in notes]
    assert {"kick", "snare", "closed-hat", "open-hat", "cymbal"} <= set(heard)
