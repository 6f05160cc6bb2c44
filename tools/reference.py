"""Write docs/commands.md, configuration.md and model-file.md from the code: `python -m tools.reference`."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import re
from pathlib import Path
from typing import Any

from export.__main__ import get_parser as export_parser
from export.play.__main__ import get_parser as play_parser
from realtime.__main__ import get_parser as realtime_parser
from realtime.model import schema
from trainer import config
from trainer.__main__ import get_parser as trainer_parser

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- Written by `python -m tools.reference` from {}. -->"


def pages() -> dict[str, str]:
    """Return the text of each generated page, by file name."""
    return {
        "commands.md": _commands(),
        "configuration.md": _configuration(),
        "model-file.md": _model_file(),
    }


def _commands() -> str:
    lines = ["# Commands", "", NOTE.format("the parsers of the command line"), ""]
    lines += ["`realtime` plays and renders; `trainer` trains. Every command accepts `--help`.", ""]
    for parser in (realtime_parser(), trainer_parser()):
        for name, command in _subcommands(parser).items():
            elsewhere = {"export": export_parser, "play": play_parser}.get(name)
            lines += _command(elsewhere(f"trainer {name}") if elsewhere else command)
    return "\n".join(lines).rstrip() + "\n"


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, command in action.choices.items():
                command.description = command.description or _sentence(helps.get(name) or "")
                found[name] = command
    return found


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _command(parser: argparse.ArgumentParser) -> list[str]:
    lines = [f"## {parser.prog}", "", " ".join((parser.description or "").split()), ""]
    lines += ["| argument | |", "|---|---|"]
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            text = " ".join((action.help or "").split()).replace("%%", "%").replace("|", "\\|")
            text = text.replace("the user's data folder", "the [user's data folder](how-to/backup.md)")
            lines.append(f"| {_usage(action)} | {text} |")
    return [*lines, ""]


def _usage(action: argparse.Action) -> str:
    if action.choices is not None and action.metavar is None:
        value = ", ".join(map(str, action.choices))
    else:
        words = action.metavar or action.dest.upper()
        value = " ".join(words) if isinstance(words, tuple) else words
    if not action.option_strings:
        return f"`{value}`"
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} {value}".replace("|", "\\|")


def _configuration() -> str:
    lines = ["# Configuration of a run", "", NOTE.format("trainer/config.py"), ""]
    lines += [
        "A recipe is a TOML file with these tables: `trainer fit --config FILE.toml`. A key that is left "
        "out has the default given here. The recipes that come with the program are in `trainer/configs`: "
        + ", ".join(f"`{name}`" for name in config.bundled())
        + f". Without `--config`, `trainer fit` takes `{config.DEFAULT}`.",
        "",
    ]
    whole = config.Config()
    for field in dataclasses.fields(whole):
        lines += [f"## [{field.name}]", "", *_fields(type(getattr(whole, field.name))), ""]
    lines += ["## [[model.heads]]", "", _summary(config.HeadConfig), "", *_fields(config.HeadConfig)]
    return "\n".join(lines).rstrip() + "\n"


def _model_file() -> str:
    lines = ["# The model file", "", NOTE.format("realtime/model/schema.py"), ""]
    first, _, rest = inspect.cleandoc(schema.__doc__ or "").partition("\n\n")
    lines += [first, "", _blocks(rest).rstrip(), ""]
    for kind in (
        schema.ModelInfo,
        schema.ClassInfo,
        schema.DrumInfo,
        schema.CourseInfo,
        schema.MorphInfo,
        schema.Anchor,
        schema.LatentStats,
        schema.Pca,
        schema.EncoderInfo,
        schema.Preparation,
    ):
        lines += [f"## {kind.__name__}", "", _summary(kind), ""]
        if _attributes(kind):
            lines += [*_fields(kind), ""]
    return "\n".join(lines).rstrip() + "\n"


def _blocks(text: str) -> str:
    """Return a string in which the indented lines have become Markdown code blocks."""
    return re.sub(
        r"((?:^ {4}.*\n?)+)", lambda found: f"```\n{inspect.cleandoc(found[1])}\n```\n", text, flags=re.M
    )


def _fields(kind: type[Any]) -> list[str]:
    rows, texts = [], _attributes(kind)
    for field in dataclasses.fields(kind):
        default = "" if field.default is dataclasses.MISSING else f"`{_toml(field.default)}`"
        rows.append(f"| `{field.name}` | {default} | {texts.get(field.name, '')} |")
    return ["| key | default | meaning |", "|---|---|---|", *rows]


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def _summary(kind: type[Any]) -> str:
    return " ".join(inspect.cleandoc(kind.__doc__ or "").partition("\n\nAttributes:")[0].split())


def _attributes(kind: type[Any]) -> dict[str, str]:
    """Return the description of each attribute in a docstring, by the name of the attribute."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        if match := re.match(r"((?:\w+(?:, )?)+): (.*)", line):
            names = match[1].split(", ")
            found |= dict.fromkeys(names, match[2])
        else:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return {name: meaning.replace("|", "\\|").replace("*", "\\*") for name, meaning in found.items()}


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
