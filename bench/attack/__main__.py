"""Attack servers on this machine while a performer plays, and print what became of it.

    python -m bench.attack            # a million datagrams, 10,000 models, 100 kills: half an hour
    python -m bench.attack --short    # a minute

Everything stays on the loopback interface and in a temporary folder. Each row of the table is one drill
with a server of its own. The performer hits ten times a second, from another address than the attackers.

    heard        hits of the performer that the server's log holds, of those played
    reply        longest wait of the performer for a reply
    end          time from SIGTERM to the end of the server
    faults       what must not happen: crashes, tracebacks, restarts of the worker, lost presets,
                 unreadable files, an end after more than two seconds
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.attack import drills
from bench.attack.drills import Result
from realtime.model.decoder import resolve


@dataclass(frozen=True)
class Sizes:
    """The size of each attack."""

    datagrams: int
    models: int
    live_models: int
    changes: int
    kills: int
    worker_kills: int
    sockets: int
    presets: int


FULL = Sizes(1_000_000, 10_000, 20, 30, 100, 10, 500, 50)
SHORT = Sizes(20_000, 30, 1, 0, 1, 1, 500, 5)
DISK = ["bash", "-c", 'ulimit -f 200; exec "$0" "$@"']  # files of up to 200 kB


def run(model: Path, sizes: Sizes, seed: int) -> Iterator[Result]:
    """Carry out the drills, and yield the result of each."""
    with tempfile.TemporaryDirectory(prefix="attack-") as place:
        folders = (Path(place) / str(number) for number in range(9))

        def folder() -> Path:
            found = next(folders)
            found.mkdir()
            return found

        def drill(attack: drills.Attack, options: list[str], prefix: list[str] | None = None) -> Result:
            return drills.drill(folder(), model, attack, options, prefix or [])

        yield drill(drills.datagrams(sizes.datagrams, seed), [])
        library = drills.library(model, Path(place) / "library")
        options = ["--library", str(library)]
        yield drill(drills.models(sizes.models, sizes.live_models, seed, model, library), options)
        if sizes.changes:
            yield drill(drills.changes(sizes.changes, ["drums", "digits", model.name]), options)
        yield drills.kills(folder(), model, sizes.kills, seed)
        yield drills.worker_kills(folder(), model, sizes.worker_kills)
        yield drill(drills.idle(sizes.sockets), [])
        yield drill(drills.full_disk, [], DISK)
        shared = folder()
        yield drills.drill(shared, model, drills.two_servers(shared, model, sizes.presets), [], [])


def main(argv: list[str] | None = None) -> int:
    """Print the table; return 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.attack", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="drums", help="an .onnx file or a bundled name; default: drums")
    parser.add_argument("--short", action="store_true", help="a minute instead of half an hour")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is random; default: 0")
    args = parser.parse_args(argv)
    print("| drill | heard | reply | end | faults |\n|---|---|---|---|---|", flush=True)
    good = True
    for result in run(resolve(args.model), SHORT if args.short else FULL, args.seed):
        good = good and not result.faults
        print(
            f"| {result.done} | {result.heard} of {result.played} | {1000 * result.slowest_s:.0f} ms "
            f"| {result.end_s:.1f} s | {'; '.join(result.faults) or 'none'} |",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
