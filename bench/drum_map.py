"""`python -m bench.drum_map MODEL`: check which drum is heard for each General MIDI note.

The server's mixer plays a MIDI file with one hit of each General MIDI drum, through the default MIDI map. A
sound is assigned to the class whose decoded centre is closest in mel distance (the mean difference of mel
levels). With `--taught FOLDER`, classifiers assign the classes instead. These classifiers ("listeners", see
bench.recognised) are trained on the real sounds in the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import mido
import numpy as np
from numpy.typing import NDArray

from realtime.control.addresses import parse
from realtime.control.general_midi import DRUMS
from realtime.control.latent_space import LatentSpace
from realtime.control.presets import Presets
from realtime.control.requests import Hit
from realtime.control.state.settings import Settings
from realtime.model.decoder import Decoder, resolve
from realtime.model.ear import Ear
from realtime.model.names import Names
from realtime.surfaces.midi import Mapper
from realtime.surfaces.midi_map import DEFAULT
from realtime.synth.mixer import Mixer, slots_for
from realtime.util.errors import RealtimeError
from realtime.util.parser import Parser

NOTES = range(35, 60)  # the drum set; higher notes are hand percussion
CHANNEL = 9
TEMPO, BEATS = 500_000, 4  # microseconds per beat; beats from one note to the next
Sound = NDArray[np.float32]


def write(path: Path, notes: Sequence[int] = NOTES) -> None:
    """Write a MIDI file with one hit of each note."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO)])
    for note in notes:
        track.append(mido.Message("note_on", channel=CHANNEL, note=note, velocity=100))
        track.append(mido.Message("note_off", channel=CHANNEL, note=note, time=BEATS * 480))
    file.tracks.append(track)
    file.save(path)


def played(path: Path, decoder: Decoder) -> Iterator[tuple[int, Sound]]:
    """Yield each note of a MIDI file with its sound: the mixer's output [T] from the start of the note."""
    info = decoder.info
    mixer = Mixer(decoder, info.sample_rate, voices=2, channels=1)
    mapper, space = Mapper(DEFAULT), LatentSpace(info, Presets(info))
    at = 0.0
    begun: list[tuple[int, int]] = []
    for message in mido.MidiFile(path):
        at += message.time
        for mapped in mapper.feed(message, at):
            if isinstance(request := parse(mapped, space), Hit):
                begun.append((message.note, round(at * info.sample_rate)))
                mixer.submit(Settings().trigger(request), begun[-1][1])
    out = np.zeros((round(at * info.sample_rate), 1), np.float32)
    mixer.render(out)
    ends = [first for _, first in begun[1:]] + [len(out)]
    for (note, first), end in zip(begun, ends, strict=True):
        sound = out[first : min(end, first + info.length), 0]
        yield note, np.pad(sound, (0, info.length - len(sound)))


def expected_class(note: int, classes: Names) -> str | None:
    """Return the class that the default map plays for a note; None if no class in `classes` fits."""
    return DRUMS[note].of(classes)


def nearest(sounds: Sequence[Sound], decoder: Decoder) -> list[str]:
    """Return, for each sound [T], the class whose decoded centre is closest in mel distance."""
    info = decoder.info
    centres = {each.name: decoder.decode([each.centroid])[0] for each in info.classes}
    answers = []
    for sound in sounds:
        ear = Ear(sound, info.sample_rate)
        distances = {name: ear.distance(centre) for name, centre in centres.items()}
        answers.append(min(distances, key=distances.__getitem__))
    return answers


def recognised(sounds: Sequence[Sound], model: str, taught: Path) -> list[str]:
    """Return, for each sound [T], the class that listeners recognise.

    Args:
        model: a decoder file or the name of a bundled model; the sounds of `taught` are prepared as for the
            encoder of this model.
        taught: the folder of real sounds on which the listeners are trained.
    """
    from bench.recognised import train_listeners
    from bench.sounds.shots import Model

    known = Model(model)
    return train_listeners(known.read(taught, encode=False), known.rate).classify(sounds)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = Parser(prog="bench.drum_map", description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help="an .onnx file or a bundled model")
    parser.add_argument("--taught", type=Path, metavar="FOLDER", help="real sounds to train listeners on")
    args = parser.parse_args(argv)
    try:
        decoder = Decoder(resolve(args.model), capacity=slots_for(2))
        with TemporaryDirectory() as folder:
            write(path := Path(folder) / "drums.mid")
            notes, sounds = zip(*played(path, decoder), strict=True)
        answers = recognised(sounds, args.model, args.taught) if args.taught else nearest(sounds, decoder)
    except RealtimeError as error:
        print(f"bench.drum_map: {error}", file=sys.stderr)
        return 2
    classes = Names(each.name for each in decoder.info.classes)
    for note, got in zip(notes, answers, strict=True):
        print(f"note {note}: {expected_class(note, classes)}, recognised as {got}")
    right = sum(got == expected_class(note, classes) for note, got in zip(notes, answers, strict=True))
    print(f"recognised as the expected class: {right} of {len(sounds)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
