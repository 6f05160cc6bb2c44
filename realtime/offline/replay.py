"""Opens the models and plugins that the replay of a logged performance needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.model.decoder import Decoder
from realtime.synth.command_log import LogError, LogHeader, commands
from realtime.synth.commands import Swap
from realtime.synth.plugins import Chain, Plugin, PluginError

MAX_HOURS = 24

Say = Callable[[str], None]
Key = tuple[str, str]


@dataclass(frozen=True)
class LogSummary:
    """Facts about a log that rendering needs in advance; samples are counted at the rate of the performance.

    Attributes:
        last: sample index of the last entry.
        swaps: sample index and command of each switch to another model.
    """

    last: int
    swaps: tuple[tuple[int, Swap], ...]


def summarise(path: Path, setting: LogHeader) -> LogSummary:
    """Read a log and return its summary.

    Raises:
        LogError: the log is damaged, or longer than `MAX_HOURS`.
    """
    last, swaps = 0, []
    for at, command in commands(path, setting.latent_dim):
        last = at
        if at - setting.start > MAX_HOURS * 3600 * setting.sample_rate:
            hours = (at - setting.start) / setting.sample_rate / 3600
            raise LogError(
                f"{path}: the performance lasts {hours:.0f} hours; at most {MAX_HOURS} can be rendered"
            )
        if isinstance(command, Swap):
            swaps.append((at, command))
    return LogSummary(last, tuple(swaps))


def key(model: Swap | LogHeader) -> Key:
    """Return the path and the checksum of a model, which identify the model."""
    return model.model, model.model_sha256


def open_models(
    path: Path,
    setting: LogHeader,
    summary: LogSummary,
    first: Decoder,
    load: Callable[[Path], tuple[Decoder, str]],
    *,
    replaced: bool,
    say: Say,
) -> dict[Key, Decoder]:
    """Open the decoders of all models to which a log switches.

    Args:
        path: path of the log.
        setting: header of the log.
        summary: summary of the log.
        first: decoder of the model with which the log begins.
        load: returns the decoder of a model file, and the SHA-256 of the file.
        replaced: True if `first` is the model given with --model instead of the logged model.
        say: receives one-line messages for the user.

    Raises:
        LogError: a model is missing, or differs from the log in the number of dimensions of the latent space.
    """
    decoders: dict[Key, Decoder] = {}
    for at, swap in summary.swaps:
        if key(swap) in decoders:
            continue
        file, when = Path(swap.model), f"at {at / setting.sample_rate:.2f} s"
        decoder = first
        if key(swap) != key(setting):
            if replaced:
                own = Path(setting.model).name
                say(f"{when} {path.name} still switches to {file.name}: --model replaces only {own}")
            if not file.is_file():
                raise LogError(f"{path}: {when} the log switches to a missing model: {file}")
            decoder, sha256 = load(file)
            if sha256 != swap.model_sha256:
                say(f"{file} has changed since the performance; the sound may differ")
        if decoder.info.latent_dim != swap.latent_dim:
            raise LogError(
                f"{path}: {when} the log switches to a model of {swap.latent_dim} dimensions, but "
                f"{decoder.path.name} has {decoder.info.latent_dim}"
            )
        decoders[key(swap)] = decoder
    return decoders


def open_plugins(
    setting: LogHeader, given: Sequence[Path], trusted: bool, load: Callable[[Path], Chain | None], say: Say
) -> tuple[Chain | None, dict[int, int]]:
    """Open the plugins of a log in their initial state, or the `given` plugins instead.

    A plugin is machine code, and a log may come from anyone: the plugins that a log names are loaded only if
    they are `trusted`; otherwise, they are left out with a message.

    Args:
        setting: header of the log.
        given: files of the plugins on the command line.
        trusted: True if the plugins that the log names may be loaded.
        load: returns a chain of one plugin, or reports that the plugin cannot be used and returns None.
        say: receives one-line messages for the user.

    Returns:
        The chain of plugins, and a mapping from a plugin's index in the log to its index in the chain.
    """
    found: list[Plugin] = []
    places: dict[int, int] = {}
    states = dict(enumerate(setting.plugins))
    named = [Path(state.path) for state in setting.plugins]
    if left_out := [] if trusted else named[len(given) :]:
        names = ", ".join(f"{path.name!r:.80}" for path in left_out)
        say(f"plugins of the log are left out: {names}; --trust-plugins or --plugin FILE loads them")
    for index, path in enumerate(named if trusted else given):
        if not path.exists():
            say(f"plugin {path} not found: rendering without it (--plugin FILE gives its path)")
            continue
        try:
            one = load(path)
        except PluginError as error:
            say(f"rendering without plugin {path.name}: {error}")
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
            say(f"plugin {index} was {state.name}; {plugin.name} replaces it with its default settings")
        found.append(plugin)
    return Chain(found) if found else None, places
