"""`docs/osc.md`: the table of addresses for people. `python -m realtime.control.osc_page` prints it."""

from __future__ import annotations

from realtime.control.addresses import ADDRESSES, HORIZON_S

_PAGE = """\
# OSC addresses

<!-- Written by `python -m realtime.control.osc_page > docs/osc.md` from realtime/control/addresses.py. -->

The server listens on UDP port 9000 of 127.0.0.1 unless told otherwise, and answers to the port that a
message came from. An int is accepted where a float is meant. A message that cannot be carried out is
answered `/morph/error address text`, and the sound goes on.

| address | arguments | what it does | answer |
|---|---|---|---|
{addresses}

## Arguments

| address | argument | meaning | accepted | if left out |
|---|---|---|---|---|
{arguments}

## Bundles and time

The messages of a bundle take effect at the same sample; a wrong one is answered and does not stop the
others. A time tag says when they shall be heard, to the sample. The latency of the engine and the sound
card is taken off, so send them at least as far ahead as the server says at its start. Tags in the past, and
*immediately*, mean now; tags more than {horizon:g} s ahead are refused. Without a time tag, a message takes
effect with the next block.

Pitch, pan, decay, reverse, choke and glide hold for the messages that take effect after them: those within a
bundle of the future hold from its time on.

## The map, mixtures and classes

- `/morph/xy` weighs the training sounds by distance on the map, w = 1 / d⁴ (Shepard's inverse-distance
  weighting): z = Σ w·z / Σ w. At a sound's own place it is that sound.
- `/morph/get/xy` is where the point lies in the view of the space that the map is. After `/morph/xy` that is
  near the place asked for, and at it where a training sound is.
- `/morph/weights` is the weighted mean, Σ w·z / Σ w, of the class centres or of the points named.
- `/morph/macro` starts from the mean of the training sounds and leaves the other axes as they are.
- `/morph/get/probabilities` takes each class as a normal distribution around its centre, equally wide in all
  D dimensions (variance s = spread² / D), and all classes as equally frequent: the softmax of
  −(D ln s + |z − centre|² / s) / 2.

A gesture, for undo and redo, is a row of moves with less than half a second between two.
"""


def markdown() -> str:
    """The page."""
    addresses = [f"| `{a.path}` | {a.usage or '–'} | {a.summary} | {a.reply or '–'} |" for a in ADDRESSES]
    arguments = []
    for address in ADDRESSES:
        for a in (*address.placeholders, *address.arguments):
            name = f"`<{a.name}>`" if a in address.placeholders else a.name
            left_out = (
                "–"
                if not a.optional
                else a.missing
                if a.default is None
                else f"{a.default:g}"
                if (isinstance(a.default, float))
                else f"{a.default}"
            )
            arguments.append(f"| `{address.path}` | {name} | {a.summary} | {a.accepted} | {left_out} |")
    return _PAGE.format(addresses="\n".join(addresses), arguments="\n".join(arguments), horizon=HORIZON_S)


if __name__ == "__main__":
    print(markdown(), end="")
