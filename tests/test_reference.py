"""The generated reference pages in docs/ match the code."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tools import reference
from trainer.config import Config, HeadConfig

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize("name", reference.pages())
def test_page_matches_the_code(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == reference.pages()[name], "write it again: python -m tools.reference"


def test_every_key_of_a_configuration_is_explained() -> None:
    rows = [row for row in reference.pages()["configuration.md"].splitlines() if row.startswith("| `")]
    keys = [key for table in Config().to_dict().values() for key in table]
    keys += [field.name for field in dataclasses.fields(HeadConfig)]
    assert sorted(row.split("`")[1] for row in rows) == sorted(keys)
    assert [row for row in rows if row.endswith("|  |")] == []
