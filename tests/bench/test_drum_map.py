"""A MIDI file played through the General MIDI map sounds the right drums of the bundled kit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.drum_map import NOTES, played, wanted, write
from realtime.control.general_midi import DRUMS
from realtime.model.decoder import Decoder, resolve
from realtime.model.ear import Ear
from realtime.model.names import Names
from realtime.synth.mixer import slots_for


def test_each_note_at_its_own_pitch_is_nearest_by_ear_to_its_class(tmp_path: Path) -> None:
    decoder = Decoder(resolve("drums"), capacity=slots_for(2))
    info = decoder.info
    classes = Names(each.name for each in info.classes)
    centres = {each.name: decoder.decode([each.centroid])[0] for each in info.classes}
    notes = [note for note in NOTES if DRUMS[note].semitones == 0]
    write(tmp_path / "drums.mid", notes)
    heard = {}
    for note, sound in played(tmp_path / "drums.mid", decoder):
        ear = Ear(np.pad(sound, (0, info.length - len(sound))), info.sample_rate)
        distances = {name: ear.distance(centre) for name, centre in centres.items()}
        heard[note] = min(distances, key=distances.__getitem__)
    assert heard == {note: wanted(note, classes) for note in notes}
    assert {"kick", "snare", "closed-hat", "open-hat", "cymbal"} <= set(heard.values())
