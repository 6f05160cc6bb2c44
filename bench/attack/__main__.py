"""Attack servers on this machine while a simulated performer plays, and print a table of the outcomes.

    python -m bench.attack                   # all drills, in about an hour
    python -m bench.attack --short           # fewer attacks in each drill; takes a minute
    python -m bench.attack --only kills idle # two of the drills

The attacks are limited to the loopback interface and a temporary folder. Each row of the table is one drill:
one kind of attack on its own server. The performer plays ten hits a second; the address of the performer
differs from that of the attackers. A hostile model is a model file with one random change and a valid
checksum.

    logged       number of the performer's hits that are in the server's log, and number of hits played
    reply        longest time that the performer waited for a reply
    end          time from SIGTERM to the end of the server
    faults       crashes, tracebacks, restarts of the worker (the process that renders the sound),
                 lost presets, unreadable files, and servers that took more than two seconds to end
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.attack import drills
from bench.attack.drills import Result
from realtime.model.decoder import resolve
from realtime.util.parser import Parser


@dataclass(frozen=True)
class Sizes:
    """The sizes of the drills.

    Attributes:
        datagrams: number of datagrams to send.
        models: number of hostile models to load outside the server.
        live_models: number of hostile models to load in the server.
        changes: number of times that the server is told to switch to a different model.
        kills: number of servers to kill.
        worker_kills: number of workers, the servers' rendering processes, to kill.
        sockets: number of idle connections to open.
        presets: number of presets to store in each of two servers.
    """

    datagrams: int
    models: int
    live_models: int
    changes: int
    kills: int
    worker_kills: int
    sockets: int
    presets: int


FULL = Sizes(1_000_000, 10_000, 20, 30, 100, 10, 500, 50)
SHORT = Sizes(20_000, 30, 1, 3, 1, 1, 500, 5)
DRILLS = ("datagrams", "models", "changes", "kills", "workers", "idle", "disk", "servers")
DISK = ["bash", "-c", 'ulimit -f 200; exec "$0" "$@"']  # limits files to 200 kB, as if the disk were full


def run(names: Sequence[str], model: Path, hostile: Path, sizes: Sizes, seed: int) -> Iterator[Result]:
    """Carry out drills, and yield the result of each.

    Args:
        names: names of drills, from `DRILLS`.
        model: the model that the servers play.
        hostile: the model file from which hostile models are made.
        sizes: the sizes of the drills.
        seed: seed of all random choices.
    """
    with tempfile.TemporaryDirectory(prefix="attack-") as place:
        library = drills.library([model, hostile], Path(place) / "library")

        def drill(attack: drills.Attack, *options: str, prefix: Sequence[str] = ()) -> Result:
            return drills.drill(folder, model, attack, options, prefix)

        for name in names:
            folder = Path(place) / name
            folder.mkdir()
            match name:
                case "datagrams":
                    yield drill(drills.datagrams(sizes.datagrams, seed, model))
                case "models":
                    attack = drills.models(sizes.models, sizes.live_models, seed, hostile, library)
                    yield drill(attack, "--library", str(library))
                case "changes":
                    models = ["drums", "digits", model.name]
                    yield drill(drills.changes(sizes.changes, models), "--library", str(library))
                case "kills":
                    yield drills.kills(folder, model, sizes.kills, seed)
                case "workers":
                    yield drills.worker_kills(folder, model, sizes.worker_kills)
                case "idle":
                    yield drill(drills.idle(sizes.sockets))
                case "disk":
                    yield drill(drills.full_disk, prefix=DISK)
                case "servers":
                    yield drill(drills.two_servers(folder, model, sizes.presets))


def main(argv: list[str] | None = None) -> int:
    """Print the table; return 0, or 1 if there were faults."""
    parser = Parser(
        prog="python -m bench.attack", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=DRILLS, default=DRILLS, help="drills; default: all")
    parser.add_argument("--model", default="drums", help="an .onnx file or a bundled model; default: drums")
    parser.add_argument("--hostile", help="model from which hostile models are made; default: --model")
    parser.add_argument("--short", action="store_true", help="take a minute instead of an hour")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random choices; default: 0")
    args = parser.parse_args(argv)
    print("| drill | logged | reply | end | faults |\n|---|---|---|---|---|", flush=True)
    good = True
    model, sizes = resolve(args.model), SHORT if args.short else FULL
    hostile = resolve(args.hostile) if args.hostile else model
    for result in run(args.only, model, hostile, sizes, args.seed):
        good = good and not result.faults
        print(
            f"| {result.done} | {result.logged} of {result.played} | {1000 * result.slowest_s:.0f} ms "
            f"| {result.end_s:.1f} s | {'; '.join(result.faults) or 'none'} |",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
