"""Tests for the installed packages: their origin, content and dependencies."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("trainer", "export", "realtime")  # packages from other projects have the same names
MODULE_OF = {
    "JACK-Client": "jack",
    "python-osc": "pythonosc",
    "python-rtmidi": "rtmidi",
    "lightning-fabric": "lightning_fabric",
    "scikit-learn": "sklearn",
}
PAGE = ROOT / "realtime" / "surfaces" / "page"


def extra(name: str) -> list[str]:
    """Return the requirements of an extra, including those of the extras that it names."""
    lines: list[str] = PROJECT["optional-dependencies"][name]
    whole = []
    for line in lines:
        inner = re.fullmatch(rf"{PROJECT['name']}\[(\w+)\]", line)
        whole += extra(inner[1]) if inner else [line]
    return whole


def required(requirements: list[str]) -> set[str]:
    """Return the names of the modules that a list of requirements installs."""
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in requirements)
    return {MODULE_OF.get(found[0], found[0]) for found in names if found}


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_come_from_this_checkout(package: str) -> None:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin == str(ROOT / package / "__init__.py")


def test_packages_come_from_this_checkout_in_any_folder(tmp_path: Path) -> None:
    code = f"import {', '.join(PACKAGES)}; print(trainer.__file__, export.__file__, realtime.__file__)"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if ended.returncode:
        pytest.skip("soundmorph is not installed in this environment; `make test` installs it")
    assert ended.stdout.split() == [str(ROOT / package / "__init__.py") for package in PACKAGES]


def test_scripts_exist_and_none_is_named_export() -> None:
    assert set(PROJECT["scripts"]) == {"realtime", "trainer"}  # `export` is a shell builtin
    for target in PROJECT["scripts"].values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(
    ("package", "extras"),
    [
        ("realtime", ["cpu", "link", "midi", "offline", "plugins"]),
        ("trainer", ["train"]),
        ("export", ["train", "cpu"]),
    ],
)
def test_every_import_is_a_declared_dependency(package: str, extras: list[str]) -> None:
    declared = required(PROJECT["dependencies"]).union(*(required(extra(name)) for name in extras))
    declared |= set(PACKAGES) | {"google", "triton"}  # protobuf belongs to onnx, Triton to PyTorch for CUDA
    used = {name for path in (ROOT / package).rglob("*.py") for name in imports(path)}
    assert used - set(sys.stdlib_module_names) - declared == set()


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level names of all modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_tests_of_realtime_import_no_package_for_training() -> None:
    paths = [ROOT / "tests" / "conftest.py", *(ROOT / "tests" / "realtime").rglob("*.py")]
    used = {name for path in paths for name in imports(path)}
    assert used & {"torch", "trainer", "export"} == set()


def test_each_runtime_extra_installs_one_onnx_runtime() -> None:
    extras = PROJECT["optional-dependencies"]
    assert required(extras["cpu"]) == {"onnxruntime"}
    assert required(extras["gpu"]) == {"onnxruntime-gpu", "onnxruntime"}
    assert all(";" in line for line in extras["gpu"])  # each requirement is for a different kind of machine
    for name in ("learn", "train", "dev"):
        assert not required(extra(name)) & {"onnxruntime", "onnxruntime-gpu"}


def pins(name: str) -> dict[str, str]:
    """Return the versions that a file of requirements names, by the normalised name of the package."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / name).read_text(encoding="utf-8"), re.M)
    return {normal(package): version for package, version in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


OF_TORCH = {"torch", "triton"}  # each build of PyTorch requires its own version of Triton


def test_every_constraint_has_the_checksums_of_its_files() -> None:
    locked, text = pins("locked.txt"), (ROOT / "locked.txt").read_text(encoding="utf-8")
    assert locked == {name: version for name, version in pins("constraints.txt").items() if name != "torch"}
    for entry in re.split(r"\n(?=\w)", text.rstrip()):
        _, *checksums = entry.split(" \\\n")
        assert checksums
        assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}", line) for line in checksums)


@pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info < (3, 11, 5), reason="constraints are for this system"
)
def test_constraints_name_every_required_package() -> None:
    """The requirements of this project are followed to those of the installed packages that they name."""
    named, seen = pins("constraints.txt").keys() | OF_TORCH, set[str]()
    extras = PROJECT["optional-dependencies"]
    todo = [
        *PROJECT["dependencies"],
        *(line for name in extras.keys() - {"bench", "gpu"} for line in extra(name)),
    ]
    while todo:
        requirement = Requirement(todo.pop())
        name = normal(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            todo += [] if name in OF_TORCH else importlib.metadata.requires(name) or []
    assert seen - named == set()


def build(source: Path, folder: Path) -> list[Path]:
    """Build the sdist and the wheel of a source tree; return their paths in this order."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stderr
    return [*folder.glob("*.tar.gz"), *folder.glob("*.whl")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The paths of the sdist and the wheel of this checkout."""
    return build(ROOT, tmp_path_factory.mktemp("built"))


def test_wheel_contains_code_configs_models_and_the_page_and_nothing_else(built: list[Path]) -> None:
    _, path = built
    with zipfile.ZipFile(path) as wheel:
        inside = set(wheel.namelist())
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".toml", ".onnx", ".safetensors", ".typed")
        or (path.is_file() and PAGE in path.parents)
    }
    assert {name for name in inside if ".dist-info/" not in name} == here
    assert "trainer/configs/drums.toml" in inside
    assert {f"{package}/py.typed" for package in PACKAGES} <= inside


def test_builds_of_one_source_in_other_folders_and_at_other_times_are_identical(
    built: list[Path], tmp_path: Path
) -> None:
    with tarfile.open(built[0]) as sdist:
        if hasattr(tarfile, "data_filter"):  # exists since Python 3.11.4
            sdist.extraction_filter = tarfile.data_filter
        sdist.extractall(tmp_path / "unpacked")
    (source,) = (tmp_path / "unpacked").iterdir()
    for path in source.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    there = build(source, tmp_path / "there")
    assert [path.name for path in built] == [path.name for path in there]
    assert [path.read_bytes() for path in built] == [path.read_bytes() for path in there]


def test_newest_version_in_the_changelog_is_that_of_the_project() -> None:
    versions = re.findall(r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] == PROJECT["version"]


@pytest.mark.parametrize("package", ["realtime", "export", "trainer", "bench"])
def test_every_package_turns_off_the_telemetry_of_onnx_runtime(package: str) -> None:
    code = f"import os, {package}; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "0", "PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert told.stdout == "1\n", told.stderr
