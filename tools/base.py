"""`python -m tools.base RUN`: write the base, the model from which training starts unless told otherwise.

RUN is a training run of the recipe `kit`. The base contains the weights of the run, and the points of the
training sounds in latent space, both in float16. It leaves out the optimisers and the log of the run.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from realtime.util.parser import Parser
from trainer.errors import TrainerError
from trainer.run import checkpoint
from trainer.run.base import BASE


def write(run: Path, target: Path) -> None:
    """Write the base to `target`, from the last checkpoint of a run."""
    saved = checkpoint.load(run)
    points = dataclasses.replace(saved.anchors, mean=saved.anchors.mean.half())
    weights = {name: value.half() for name, value in saved.model.items()}
    light = dataclasses.replace(saved, model=weights, optimisers={}, anchors=points, history=[], data={})
    checkpoint.write(target, light)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the base; return 0, or 2 after an error."""
    parser = Parser(prog="python -m tools.base", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder or a checkpoint")
    try:
        write(parser.parse_args(argv).run, BASE)
    except TrainerError as error:
        print(f"tools.base: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
