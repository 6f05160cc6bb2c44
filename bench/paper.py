"""`python -m bench.paper --data FOLDER --out FOLDER [RUN ...]`: repeat the experiments of the paper.

The paper is M. Lionello and H. Purwins, *End-to-End Dilated Variational Autoencoder with Bottleneck
Discriminative Loss for Sound Morphing*. The program trains models in parallel, each in a separate process on
the same device, evaluates them, and prints a table in Markdown. Existing runs are resumed. After an interrupt
or after `--minutes`, the training processes save their runs and stop; the same command continues the runs.

    paper_dc, paper_cc, paper_nonclass   the bundled configurations of these names
    paper_dc_leak                        paper_dc, but trained on the test sounds as well ([data] leak)
    digits_aligned                       the paper's model and losses, with aligned recordings and no averages
                                         of recordings; trained only if its name is given
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from realtime.util.parser import Parser
from trainer import config as configs
from trainer.config import Config

SPEAKER = "*_jackson_*"
LEAK = "_leak"
PROTOCOL = ("paper_dc", "paper_cc", "paper_nonclass", "paper_dc" + LEAK)
RUNS = (*PROTOCOL, "digits_aligned")
LOOK_S = 1.0  # time between two checks whether the training processes have ended
STOPPED = 128 + signal.SIGINT
"""Exit code of a training process that has saved and stopped."""


def configuration(name: str, include: str) -> Config:
    """Return the configuration of a run by its name."""
    config = configs.read(name.removesuffix(LEAK))
    return config.replace("data", include=include, leak=name.endswith(LEAK))


def command(run: Path, data: Path, include: str, more: Sequence[str]) -> list[str] | None:
    """Return the command that starts or resumes a run; None if all its epochs are done."""
    words = [sys.executable, "-m", "trainer", "fit", "--data", str(data), *more]
    if not (run / "last.safetensors").exists():
        path = run.with_suffix(".toml")
        path.write_text(configuration(run.name, include).to_toml())
        return [*words, "--config", str(path), "--out", str(run), "--force"]
    asked = more[more.index("--epochs") + 1] if "--epochs" in more else None
    epochs = int(asked) if asked else configs.read(str(run / "config.toml")).fit.epochs
    return [*words, "--resume", str(run)] if epochs > len(log(run)) else None


def log(run: Path) -> list[dict[str, Any]]:
    """Return the records of the epochs that a run has finished."""
    path = run / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def fit(commands: dict[Path, list[str]], minutes: float) -> dict[Path, int]:
    """Run the commands in parallel, write the output of each to RUN.txt, and return the exit codes.

    Args:
        commands: the command of each run.
        minutes: time after which the runs are interrupted; 0 sets no limit.
    """
    begun, open_files = time.monotonic(), [run.with_suffix(".txt").open("a") for run in commands]
    fits = [
        subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)
        for words, file in zip(commands.values(), open_files, strict=True)
    ]
    try:
        while any(one.poll() is None for one in fits):
            if minutes and time.monotonic() - begun > 60 * minutes:
                break
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        pass
    for one in fits:
        if one.poll() is None:
            one.send_signal(signal.SIGINT)
    codes = {run: one.wait() for run, one in zip(commands, fits, strict=True)}
    for file in open_files:
        file.close()
    return codes


def evaluated(run: Path, data: Path) -> dict[str, Any]:
    """Return the output of `trainer evaluate --json` for a run."""
    words = [sys.executable, "-m", "trainer", "evaluate", str(run), "--data", str(data), "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    return found


def table(results: dict[str, dict[str, Any]], logs: dict[str, list[dict[str, Any]]]) -> str:
    """Return the table in Markdown, a column for each run."""

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{value:.0%}"

    def ratio(value: float) -> str:
        return f"{value:.1f} dB".replace("-", "−")

    def signed(value: float | None) -> str:
        return "–" if value is None else f"{value:+.2f}".replace("-", "−")

    rows: dict[str, list[str]] = {}
    for name, found in results.items():
        cells = {
            "1-NN, training → test sounds": percent(found["nearest_neighbour"]),
            "classifier, on test sounds": percent(found["classifier"]),
            **{f"deviation, {row['name']}": signed(row["centre"]["mean"]) for row in found["classes"]},
            "deviation, average": signed(found["average"]["centre"]["mean"]),
            "the same, at peak 1": signed(found["average"]["centre_at_peak"]["mean"]),
            "the same, centres of training sounds": signed(found["average"]["learned_centre"]["mean"]),
            "SNR of training reconstructions, median": ratio(found["learned_snr_db"]["median"]),
            "SNR of test reconstructions, median": ratio(found["snr_db"]["median"]),
            "STFT distance of test reconstructions": f"{found['stft_distance']['median']:.2f}",
            "epochs; steps": f"{found['run']['epoch']}; {found['run']['step']}",
            "minutes": f"{sum(record['seconds'] for record in logs[name]) / 60:.1f}",
        }
        for row, cell in cells.items():
            rows.setdefault(row, []).append(cell)
    heading = ["| |", *(f" {name} |" for name in results)]
    lines = ["".join(heading), "|---|" + "---|" * len(results)]
    return "\n".join([*lines, *(f"| {row} | {' | '.join(cells)} |" for row, cells in rows.items())])


def main(argv: list[str] | None = None) -> int:
    """Train and evaluate the models, and print the table."""
    parser = Parser(description=(__doc__ or "").splitlines()[0], epilog="Further options go to trainer fit.")
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help=f"runs, out of {', '.join(RUNS)}; default: the first four"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="the spoken digits")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder of the runs")
    parser.add_argument("--include", default=SPEAKER, help="file name pattern; default: the speaker jackson")
    parser.add_argument("--minutes", type=float, default=0.0, help="save and stop after this time; 0: never")
    parser.passes_on = True  # to trainer fit
    args, more = parser.parse_known_args(argv)
    unknown = [name for name in args.runs if name not in RUNS]
    if unknown:
        parser.error(f"{unknown[0]}: choose from {', '.join(RUNS)}")
    args.out.mkdir(parents=True, exist_ok=True)
    runs = [args.out / name for name in args.runs or PROTOCOL]
    commands = {run: command(run, args.data, args.include, more) for run in runs}
    codes = fit({run: words for run, words in commands.items() if words}, args.minutes)
    failed = {run: code for run, code in codes.items() if code not in (0, STOPPED)}
    for run, code in failed.items():
        print(f"{run.name}: training ended with code {code}; see {run.with_suffix('.txt')}", file=sys.stderr)
    there = [run for run in runs if (run / "last.safetensors").exists()]
    results = {run.name: evaluated(run, args.data) for run in there}
    print(table(results, {run.name: log(run) for run in there}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
