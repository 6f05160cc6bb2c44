"""Tests for the commands of `realtime`: their output, one-line errors, and a clean exit."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import onnx
import pytest
import soundfile

from realtime.__main__ import get_parser, main
from realtime.control import osc
from realtime.model import schema, verify
from realtime.model.decoder import Decoder, resolve
from realtime.model.schema import ModelInfo, MorphInfo
from realtime.synth.command_log import CommandLog, LogHeader
from realtime.util import files

RUN = [sys.executable, "-m", "realtime"]


def complaint(capsys: pytest.CaptureFixture[str], command: list[str]) -> str:
    """Run a command that must end with exit code 2; return the only line that it writes on stderr."""
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("realtime: error: ")
    return line


def text_file(path: Path) -> None:
    path.write_text("not a model")


def foreign_model(path: Path) -> None:
    value = onnx.helper.make_tensor_value_info
    nodes = [onnx.helper.make_node("Identity", ["x"], ["y"])]
    inputs, outputs = [value("x", onnx.TensorProto.FLOAT, [1])], [value("y", onnx.TensorProto.FLOAT, [1])]
    graph = onnx.helper.make_graph(nodes, "other", inputs, outputs)
    onnx.save(onnx.helper.make_model(graph, ir_version=9), str(path))


@pytest.mark.parametrize(
    "command", ["serve --null --port=0 --model", "info", "render --from=a --to=b --model"]
)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (None, "no model file"),
        (text_file, "not a readable ONNX model"),
        (foreign_model, "not a soundmorph model"),
    ],
)
def test_invalid_model_files_are_errors(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    make: Callable[[Path], None] | None,
    reason: str,
) -> None:
    model, out = tmp_path / "file.onnx", tmp_path / "out.wav"
    if make is not None:
        make(model)
    line = complaint(capsys, [*command.split(), str(model), *([f"-o={out}"] if "render" in command else [])])
    assert str(model) in line
    assert reason in line
    assert not out.exists()


def test_names_in_a_model_cannot_control_the_terminal(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, tmp_path: Path
) -> None:
    model = onnx.load(str(tiny_model))
    del model.metadata_props[-1]
    entry = next(entry for entry in model.metadata_props if entry.key == schema.INFO_KEY)
    entry.value = entry.value.replace('"kick"', '"\\u001b[31mkick\\n"')
    path = tmp_path / "m.onnx"
    path.write_bytes(schema.add_checksum(model.SerializeToString()))
    assert main(["info", str(path)]) == 0
    assert "classes       ?[31mkick?, snare, hihat\n" in capsys.readouterr().out


def test_rendering_a_log_of_more_than_24_hours_is_refused(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, tmp_path: Path
) -> None:
    header = LogHeader(str(tiny_model), verify.read(tiny_model).sha256, 4, 48_000, 2, 4, 4, 0.0, 128, {})
    CommandLog(tmp_path / "log.jsonl", header).close(2**40)
    line = complaint(capsys, ["render", str(tmp_path / "log.jsonl"), "-o", str(tmp_path / "x.wav")])
    assert line.endswith("log.jsonl: the performance lasts 6363 hours; at most 24 can be rendered")


def test_missing_home_folder_is_an_error_of_one_line(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    # what happens for a user without an entry in the system's user database
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    line = complaint(capsys, ["serve", "--null", "--port=0", "--model", str(tiny_model)])
    assert "this user has no home folder: set HOME, or give --presets and --takes" in line


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--midi-map none.toml", "--midi-map needs --midi or --device bridge:NAME"),
        ("--midi-curve soft", "--midi-curve needs --midi or --device bridge:NAME"),
        ("--midi-backend jack", "--midi-backend needs --midi"),
        ("--open --oscquery off", "--open needs the page: leave out --oscquery off"),
        ("--with-host", "--with-host needs --device bridge:NAME"),
        ("--library none", "--library none is not a directory"),
        ("--takes {file}/takes", "cannot create the folder of takes {file}/takes: Not a directory"),
    ],
)
def test_options_that_cannot_work_are_refused_at_the_start(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, options: str, reason: str
) -> None:
    words = ["serve", "--null", "--port=0", "--model", str(tiny_model)]
    line = complaint(capsys, [*words, *options.format(file=tiny_model).split()])
    assert line.endswith(reason.format(file=tiny_model))


def test_port_in_use_is_an_error(capsys: pytest.CaptureFixture[str], tiny_model: Path) -> None:
    with osc.bind(port=0) as listener:
        port = str(listener.getsockname()[1])
        line = complaint(capsys, ["serve", "--null", "--model", str(tiny_model), "--port", port])
    assert f"cannot listen on 127.0.0.1:{port}" in line
    assert "end the server that is using the port (Ctrl-C), or choose another port with --port" in line


@pytest.mark.parametrize("option", ["--record", "-o"])
def test_existing_output_file_is_refused_and_not_replaced(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, tmp_path: Path, option: str
) -> None:
    path = tmp_path / "take.wav"
    path.write_text("precious")
    command = ["serve", "--null"] if option == "--record" else ["render", "--from=kick", "--to=snare"]
    line = complaint(capsys, [*command, "--model", str(tiny_model), option, str(path)])
    assert f"{path} exists; choose another name, or --force to replace it" in line
    assert path.read_text() == "precious"


def test_unknown_point_is_an_error_with_a_suggestion(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, decoder: Decoder, tmp_path: Path
) -> None:
    name = decoder.info.classes[0].name
    command = ["render", "--model", str(tiny_model), "--from", f"{name}x", "--to", name]
    line = complaint(capsys, [*command, "-o", str(tmp_path / "x.wav")])
    assert f"no point named '{name}x': did you mean {name}" in line


def test_unsupported_sample_rate_is_an_error(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, decoder: Decoder, tmp_path: Path
) -> None:
    name = decoder.info.classes[0].name
    command = ["render", "--model", str(tiny_model), "--from", name, "--to", name, "--rate", "47999"]
    assert "47999 Hz" in complaint(capsys, [*command, "-o", str(tmp_path / "x.wav")])


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["serve", "--port", "70000"], "'70000' is not a whole number from 0 to 65535"),
        (["serve", "--voices", "0"], "'0' is not a whole number from 1 to 64"),
        (["serve", "--block", "many"], "'many' is not a whole number from 16 to 8192"),
        (["serve", "--seconds", "nan"], "'nan' is not a number from 0 to"),
        (["render", "--velocity", "2"], "'2' is not a number from 0 to 1"),
        (
            ["serve", "--modl", "digits"],
            "realtime serve: error: unknown option --modl; did you mean --model?",
        ),
        (["serve", "--zzz=1"], "unknown option --zzz; --help lists the options"),
        (["render", "--step", "3"], "unknown option --step; did you mean --steps?"),
        (["info", "drums", "digits"], "realtime info: error: unexpected argument 'digits'"),
        (["--verson"], "realtime: error: unknown option --verson; did you mean --version?"),
        (["serve", "--\x1b"], "unknown option --?"),
        (["conjure"], "invalid choice: 'conjure'"),
        ([], "give a command: serve, render, "),
    ],
)
def test_invalid_arguments_are_errors_of_one_line(
    capsys: pytest.CaptureFixture[str], command: list[str], text: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(command)
    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("realtime")
    assert text in line


HELP = """
import sys
from realtime.__main__ import main
try:
    main(["serve", "--help"])
except SystemExit:
    heavy = {"numpy", "onnxruntime", "soxr", "soundfile", "sounddevice", "pythonosc"}
    print(sorted(heavy & set(sys.modules)))
"""


def test_help_imports_no_module_that_is_slow_to_import() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version_is_that_of_the_package() -> None:
    command = [sys.executable, "-m", "realtime", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"soundmorph {version('soundmorph')}\n"


def test_command_whose_output_pipe_is_closed_ends_without_an_error() -> None:
    script = f"{sys.executable} -m realtime info --json | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


def test_every_option_has_a_help_text() -> None:
    (commands,) = (action for action in get_parser()._actions if action.dest == "command")
    for parser in commands.choices.values():  # type: ignore[union-attr]
        assert all(action.help for action in parser._actions)


@pytest.mark.parametrize(("command", "option"), [("serve", "record"), ("render", "output")])
def test_help_names_every_accepted_format_of_a_sound_file(command: str, option: str) -> None:
    (commands,) = (action for action in get_parser()._actions if action.dest == "command")
    parser = commands.choices[command]  # type: ignore[index]
    (text,) = (action.help for action in parser._actions if action.dest == option)
    *names, last = files.FORMATS
    assert f"{', '.join(names)} or {last}" in text


def test_info_prints_all_metadata_as_json(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, decoder: Decoder
) -> None:
    assert main(["info", str(tiny_model), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    version = content.pop("schema_version")
    metadata = {"soundmorph_schema": str(version), "soundmorph": json.dumps(content)}
    assert ModelInfo.from_metadata(metadata) == decoder.info


def test_info_prints_classes_and_licence(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, decoder: Decoder
) -> None:
    assert main(["info", str(tiny_model)]) == 0
    out = capsys.readouterr().out
    assert ", ".join(each.name for each in decoder.info.classes) in out
    assert decoder.info.licence in out


def test_info_prints_the_facts_of_training_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "drums"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("training"))
    facts = Decoder(resolve("drums"), provider="cpu").info.training
    known = f"epochs {facts['epochs']}, steps {facts['steps']}, sounds {facts['sounds']}"
    assert line.startswith(f"training      {known}, prepared mixed to mono")
    assert not set("{}[]'") & set(line)


def test_serve_prints_its_settings_plays_and_records(tiny_model: Path, tmp_path: Path) -> None:
    """The server runs in a separate process, because it sets signal handlers and the switch interval."""
    take = tmp_path / "take.flac"
    folders = ["--presets", str(tmp_path / "presets.json"), "--library", str(tmp_path)]
    command = [*RUN, "serve", "--null", "--model", str(tiny_model), "--port", "0", "--seconds", "0.3"]
    done = subprocess.run(
        [*command, *folders, "--verbose", "--rate", "44100", "--record", str(take)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    details = ["model", "device", "decoder", "trigger", "move"]
    assert [line.split()[0] for line in lines] == [
        *("plays", "sound", "library", "records", "osc", "page"),
        *details,
        *("try", "and", "stop", "played"),
    ]
    told = {line.split()[0]: line for line in lines}
    total, *terms = (float(ms) for ms in re.findall(r"\d+\.\d", told["trigger"])[:4])
    assert total == pytest.approx(sum(terms), abs=0.2)
    assert f"a hit is heard within {total:.0f} ms" in told["sound"]
    assert f" {tmp_path} " in told["library"]
    assert soundfile.info(take).samplerate == 44100
    assert soundfile.info(take).frames >= 0.3 * 44100


def test_log_and_record_without_a_file_name_do_not_replace_earlier_files(
    tiny_model: Path, tmp_path: Path
) -> None:
    takes = tmp_path / "my takes"
    command = [*RUN, "serve", "--null", "--model", str(tiny_model), "--port", "0", "--seconds", "0.1"]
    command += ["--log", "--record", "--takes", str(takes)]
    for count in (1, 2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert sorted(path.suffix for path in takes.iterdir()) == [".jsonl"] * count + [".wav"] * count
    assert all(re.fullmatch(r"set-\d{8}-\d{6}(-2)?", path.stem) for path in takes.iterdir())
    (line,) = re.findall(r"^render +(\S*realtime) (.*)", done.stdout, re.M)
    log = max(takes.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    assert shlex.split(line[1]) == ["render", str(log), "-o", f"{log.stem}.wav"]


@pytest.mark.parametrize(
    ("morph", "told"),
    [
        (MorphInfo(2, 1, 150), ("hihat", "snare", "150")),
        (None, ("kick", "hihat", "300")),  # model files of earlier releases propose no morph
    ],
)
def test_serve_prints_commands_for_the_morph_that_the_model_proposes(
    tiny_model: Path, decoder: Decoder, tmp_path: Path, morph: MorphInfo | None, told: tuple[str, str, str]
) -> None:
    graph, path = onnx.load(tiny_model), tmp_path / "own.onnx"
    onnx.helper.set_model_props(graph, replace(decoder.info, morph=morph).to_metadata())
    path.write_bytes(schema.add_checksum(graph.SerializeToString()))
    command = [*RUN, "serve", "--null", "--model", str(path), "--port", "0", "--seconds", "0"]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    start, end, ms = told
    wanted = rf"oscsend 127.0.0.1 \d+ /morph/trigger fs 1 {start}; oscsend \S+ \d+ /morph/goto sf {end} {ms}"
    assert re.search(rf"^and +{wanted}$", said, re.M), said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_server_ends_cleanly_on_a_signal(tiny_model: Path, tmp_path: Path, number: signal.Signals) -> None:
    presets = ["--presets", str(tmp_path / "presets.json")]  # not the presets of other tests
    command = [*RUN, "serve", "--null", "--model", str(tiny_model), "--port", "0", *presets]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert any(line.startswith("stop") for line in server.stdout)
        server.send_signal(number)
        out, err = server.communicate(timeout=30)
    assert (server.returncode, err) == (0, "")
    assert out.startswith("played ")


def test_bench_prints_the_latencies_of_hits_and_moves(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--null", "--model", str(tiny_model)]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["trigger"].startswith("at most 10.7 ms = 2.7 next block + 8.0 lead")
    assert "1.5 filter" in rows["coordinate"]
    assert "200 hits" in rows["measured"]


def test_render_without_arguments_shows_an_example_that_works(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = complaint(capsys, ["render"])
    assert all(word in line for word in ("FILE.toml", "FILE.jsonl", "--from", "--to", "--grid"))
    program, *words = shlex.split(line.partition("for example: ")[2])
    monkeypatch.chdir(tmp_path)
    assert (program, main(words)) == ("realtime", 0)
    assert soundfile.info(tmp_path / "morph.wav").frames > 0
