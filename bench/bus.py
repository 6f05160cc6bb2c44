"""`python -m bench.bus MODEL`: measure the distortion of a mix of drums hit together at full velocity.

The mix is compared with the plain sum of the same sounds, each rendered alone. The plain sum is scaled by the
best-fitting gain and subtracted from the mix. The error is the level of this residual in dB relative to the
mix, in the first 30 ms and over the entire mix. Each row of the table is a setting of the mixer's output
stage: a soft knee near full scale, which is always on, with or without 12 dB of headroom and a limiter.
"Least possible" is the error of the plain sum clipped at full scale: no sound within full scale is closer to
the sum.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.model.decoder import Decoder, resolve
from realtime.model.names import Names
from realtime.synth.commands import Trigger
from realtime.synth.mixer import Mixer, slots_for
from realtime.synth.output import Finish
from realtime.synth.quantities import HEADROOM_DB
from realtime.util.errors import RealtimeError
from realtime.util.parser import Parser

DRUMS = ("kick", "snare", "hat", "tom")
FIRST_S = 0.03  # duration of the beginning, which is also measured separately
FINISHES = {
    "knee alone": Finish(),
    "limiter": Finish(limiter=True),
    "headroom": Finish(headroom_db=HEADROOM_DB.default),
    "headroom, limiter": Finish(headroom_db=HEADROOM_DB.default, limiter=True),
}

Sound = NDArray[np.float64]


def mix_of(decoder: Decoder, drums: Sequence[str], finish: Finish) -> Sound:
    """Return the mix of drums hit at the same time, [T]; the limiter's delay is removed."""
    info = decoder.info
    mixer = Mixer(decoder, info.sample_rate, voices=len(drums), channels=1, finish=finish)
    for drum in drums:
        mixer.submit(Trigger(point=info.point(drum)))
    out = np.zeros((info.length + mixer.output.delay, 1), np.float32)
    mixer.render(out)
    return out[mixer.output.delay :, 0].astype(np.float64)


def error_db(mix: Sound, plain: Sound) -> float:
    """Return the level of the mix minus the plain sum at its best-fitting gain, in dB relative to the mix."""
    gain = (mix @ plain) / (plain @ plain)
    return _difference_db(gain * plain, mix)


def _difference_db(first: Sound, second: Sound) -> float:
    """Return the level of the difference between two sounds, in dB relative to the second sound."""
    return float(10 * np.log10(max(((first - second) ** 2).sum() / (second**2).sum(), 1e-20)))


def measure(decoder: Decoder, drums: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the error in dB for each setting of the output stage, and the peak of the plain sum.

    Each value is a pair: for the first 30 ms, and for the entire mix. The peak is relative to full scale.
    """
    quiet = Finish(headroom_db=HEADROOM_DB.high)  # no single sound reaches the knee
    alone = sum(mix_of(decoder, [drum], quiet) for drum in drums)
    plain = np.asarray(alone) * 10 ** (HEADROOM_DB.high / 20)
    first = round(FIRST_S * decoder.info.sample_rate)
    clipped = np.clip(plain, -1.0, 1.0)
    found = {
        "least possible, no headroom": (
            _difference_db(clipped[:first], plain[:first]),
            _difference_db(clipped, plain),
        )
    }
    for name, finish in FINISHES.items():
        mix = mix_of(decoder, drums, finish)
        found[name] = error_db(mix[:first], plain[:first]), error_db(mix, plain)
    return {"peak of the sum": (float(np.abs(plain[:first]).max()), float(np.abs(plain).max())), **found}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = Parser(prog="bench.bus", description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help="an .onnx file or a bundled model")
    args = parser.parse_args(argv)
    try:
        decoder = Decoder(resolve(args.model), capacity=slots_for(len(DRUMS)))
        names = Names(each.name for each in decoder.info.classes)
        drums = [name for drum in DRUMS if (name := names.find(drum))]
        found = measure(decoder, drums)
    except RealtimeError as error:
        print(f"bench.bus: {error}", file=sys.stderr)
        return 2
    print(f"{' + '.join(drums)}, error in dB{'first 30 ms':>14s}{'all':>10s}")
    for name, (first, whole) in found.items():
        print(f"{name:40s}{first:12.1f}{whole:10.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
