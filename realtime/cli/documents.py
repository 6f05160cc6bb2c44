"""Writes the documentation that is made from tables in the code.

These are the page `docs/osc.md`, and in `docs/render.md` the table rows for settings of hits, such as pan.
`python -m realtime.cli.documents`, run in the repository's root folder, writes both; so does `make docs`.
"""

from __future__ import annotations

import re
from pathlib import Path

from realtime.control.addresses import ADDRESSES, HORIZON_S
from realtime.offline.sequence import STEP_KEYS
from realtime.synth.commands import HIT_SETTINGS

DOCS = Path("docs")

_PAGE = """\
# OSC addresses

<!-- Written by `make docs` from realtime/control/addresses.py. -->

By default, the server listens on UDP port 9000 of 127.0.0.1. It sends replies to the port that a message
came from. Where a float is expected, an int is also accepted. A message that cannot be carried out is
answered with `/morph/error address text`; the sound continues.

The current position in the latent space (the space of sounds) is called *the point*. New hits play the sound
at the point. A *touch* is a finger or a track with a point of its own. A *class* is a kind of sound, such as
kick; an *anchor* is a training sound. Names may be in upper or lower case, in the singular or plural. The
name of a digit may be a word (`six`), a string (`6`) or an int, and a drum may have any usual name (`hat` or
`hihat` for `closed-hat`).

| address | arguments | effect | reply |
|---|---|---|---|
{addresses}

## Arguments

| address | argument | meaning | accepted | default |
|---|---|---|---|---|
{arguments}

## Bundles and time tags

The messages of a bundle take effect at the same sample. If a message is wrong, the server replies with an
error, and the other messages still take effect. A time tag gives the time at which the messages are heard,
to the sample: the server subtracts the latency of device, plugins and limiter. Therefore, send messages
ahead by at least the latency that the server prints at its start. Time tags in the past, and the tag
*immediately*, mean now. Time tags more than {horizon:g} s ahead are refused. A message without a time tag
takes effect with the next block.

Settings of hits ({settings}) and the glide apply to the messages that take
effect after them. In a bundle with a time tag in the future, they apply from that time onwards.

## The map, mixtures and classes

- `/morph/xy` weights the training sounds by their distance d on the map, w = 1 / d⁴ (Shepard's
  inverse-distance weighting): z = Σ w·z / Σ w. At the position of a training sound, the result is the z of
  this sound.
- `/morph/get/xy` projects the point onto the map. After `/morph/xy` the reply is near the requested
  position, and equal to it at the position of a training sound.
- `/morph/weights` takes the weighted mean, Σ w·z / Σ w, of the class centres or of the named points.
- `/morph/macro` moves the point along one principal axis of the latent space, to a given distance from the
  mean of the training sounds. The point's positions along the other axes stay the same.
- `/morph/get/probabilities` models each class as a normal distribution around its centre, equally wide in
  all D dimensions (variance s = spread² / D), and assumes that all classes are equally frequent. The
  result is the softmax of −(D ln s + |z − centre|² / s) / 2.

A *gesture*, the unit of undo and redo, is a series of moves less than half a second apart.

## The sequencer

A pattern is a loop of steps; each of its *lanes* plays one sound. The server plays the pattern by counting
samples. The web page or program that edits the pattern may disconnect. The log (`--log`) contains every
hit and its sample. In this beat, the snare turns into a hi-hat:

```
oscsend 127.0.0.1 9000 /morph/seq/add s kick
oscsend 127.0.0.1 9000 /morph/seq/add ss snare hihat
oscsend 127.0.0.1 9000 /morph/seq/lane/0/velocities fffffffff 1 0 0 0 0 0 0.6 0 1
oscsend 127.0.0.1 9000 /morph/seq/lane/1/step/4 ff 1.0 0.0
oscsend 127.0.0.1 9000 /morph/seq/lane/1/step/12 ff 0.8 0.7
oscsend 127.0.0.1 9000 /morph/seq/tempo f 96
oscsend 127.0.0.1 9000 /morph/seq/start
```

- A step is a quarter of a beat: 60 / (4 · tempo) s. Step k of a straight loop (swing 50) begins
  k · 15 · rate / tempo samples after step 0, rounded to the nearest sample; rate is the sample rate in Hz.
  Rounding errors do not add up.
- Swing is the duration of the first step of each pair, as a percentage of the pair's duration.
- A new tempo takes effect at the next step, and a new swing at the next pair of steps; from then on, steps
  are counted from that sample. Other edits apply to every step that is not yet rendered. No edit loses or
  doubles a hit.
- A lane with two points, *from* and *to*, plays (1 − morph) · from + morph · to; every step has its own
  morph. The hits of such a lane stay there when the point moves. A lane without points plays at the
  point, and its hits follow the point.
- `/morph/seq/start` and `/morph/seq/stop` take a time tag; edits do not. `/morph/panic` also stops the loop;
  `/morph/stop` only fades the sounds. Each model has its own pattern. After a switch to another model, the
  sequencer is stopped.
- Subscribers receive every edit, including the edits by other clients. A client that polls the status sends
  `/morph/get/seq` when `seq_revision` has changed.
- The file of presets stores the patterns of each model. The current pattern is restored at the next start.
"""


def osc() -> str:
    """Return the text of `docs/osc.md`."""
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
    return _PAGE.format(
        addresses="\n".join(addresses),
        arguments="\n".join(arguments),
        horizon=HORIZON_S,
        settings=", ".join(HIT_SETTINGS),
    )


def render(page: str) -> str:
    """Return the text of `docs/render.md` with up-to-date table rows for the settings of hits.

    Args:
        page: the present text, in which the rows between `velocity` and `mode` are replaced.
    """
    rows = []
    for row in HIT_SETTINGS.values():
        effect = row.effect.format(hits="the hits of the step").rstrip(".")
        meaning = "" if row.switch else f"; {row.meaning}"
        rows.append(
            f"| `{row.name}` | {STEP_KEYS[row.name].accepted} | {effect[0].lower()}{effect[1:]}{meaning} |"
        )
    return re.sub(
        r"(?s)(\n\| `velocity` [^\n]*\n).*?(\n\| `mode` \| [^\n]* of the sound)",
        lambda found: found[1] + "\n".join(rows) + found[2],
        page,
    )


if __name__ == "__main__":
    (DOCS / "osc.md").write_text(osc(), encoding="utf-8")
    page = DOCS / "render.md"
    page.write_text(render(page.read_text(encoding="utf-8")), encoding="utf-8")
