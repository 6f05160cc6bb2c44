"""What it takes to play a logged performance again: the models that it changes to, and its plugins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.model.decoder import Decoder
from realtime.synth.command_log import LogError, LogHeader, commands
from realtime.synth.commands import Swap
from realtime.synth.plugins import Chain, Plugin, PluginError

Say = Callable[[str], None]
Key = tuple[str, str]


@dataclass(frozen=True)
class LogSummary:
    """What one reading of a log tells: its last device sample, and where the model changes to which."""

    last: int
    swaps: tuple[tuple[int, Swap], ...]


def summarise(path: Path, setting: LogHeader) -> LogSummary:
    """Read a log through.

    Raises:
        LogError: it is damaged.
    """
    last, swaps = 0, []
    for at, command in commands(path, setting.latent_dim):
        last = at
        if isinstance(command, Swap):
            swaps.append((at, command))
    return LogSummary(last, tuple(swaps))


def key(model: Swap | LogHeader) -> Key:
    """Which file it was, and with what in it."""
    return model.model, model.model_sha256


def open_models(
    path: Path,
    setting: LogHeader,
    course: LogSummary,
    first: Decoder,
    load: Callable[[Path], tuple[Decoder, str]],
    *,
    replaced: bool,
    say: Say,
) -> dict[Key, Decoder]:
    """The decoders of all models that a log changes to.

    Args:
        path: of the log.
        first: plays for the model that it begins with, whenever that plays.
        load: a decoder and the SHA-256 of its file.
        replaced: whether `first` is another model than was played.

    Raises:
        LogError: a model is not there, or has another size of z than it had.
    """
    decoders: dict[Key, Decoder] = {}
    for at, swap in course.swaps:
        if key(swap) in decoders:
            continue
        file, when = Path(swap.model), f"at {at / setting.sample_rate:.2f} s"
        decoder = first
        if key(swap) != key(setting):
            if replaced:
                own = Path(setting.model).name
                say(f"{when} {path.name} changes to {file.name} as ever: --model is in place of {own} only")
            if not file.is_file():
                raise LogError(f"{path}: {when} it changes to a model that is not there: {file}")
            decoder, sha256 = load(file)
            if sha256 != swap.model_sha256:
                say(f"{file} has changed since; it may sound otherwise")
        if decoder.info.latent_dim != swap.latent_dim:
            raise LogError(
                f"{path}: {when} it changes to a model of {swap.latent_dim} dimensions; {decoder.path.name} "
                f"has {decoder.info.latent_dim}"
            )
        decoders[key(swap)] = decoder
    return decoders


def open_plugins(
    setting: LogHeader, given: Sequence[Path], trusted: bool, load: Callable[[Path], Chain | None], say: Say
) -> tuple[Chain | None, dict[int, int]]:
    """Open the plugins of a log as they were at its beginning, or `given` ones in their places.

    A plugin is machine code and a log may come from anybody: unless they are `trusted`, the plugins that the
    log names are left out, and one line says so.

    Args:
        load: a chain of one; None where it will not do, which has been told.

    Returns:
        The plugins that play, and which of them each one of the log is.
    """
    found: list[Plugin] = []
    places: dict[int, int] = {}
    states = dict(enumerate(setting.plugins))
    named = [Path(state.path) for state in setting.plugins]
    if left_out := [] if trusted else named[len(given) :]:
        names = ", ".join(f"{path.name!r:.80}" for path in left_out)
        say(f"the log names plugins, left out: {names}; load them by --trust-plugins or --plugin FILE")
    for index, path in enumerate(named if trusted else given):
        if not path.exists():
            say(f"plugin {path} is not there: it sounds without (--plugin tells where it is)")
            continue
        try:
            one = load(path)
        except PluginError as error:
            say(f"it sounds without plugin {path.name}: {error}")
            continue
        if one is None:
            continue
        (plugin,) = one.plugins
        state = states.get(index)
        if state is not None and state.name == plugin.name:
            places[index] = len(found)
            now = plugin.raw_values()
            for name, raw in state.parameters.items():
                if now.get(name) != raw:
                    plugin.turn(name, raw)
        elif state is not None:
            say(f"plugin {index} was {state.name}, {plugin.name} is in its place as it comes")
        found.append(plugin)
    return Chain(found) if found else None, places
