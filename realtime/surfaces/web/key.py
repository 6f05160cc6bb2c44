"""The key in the page's address where a network can reach it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 12
NAME = "page-key"


def page_key(folder: Path | None = None) -> str:
    """Return the key that is kept in `folder`; a new one if there is none.

    So a page comes back by itself after a restart. `folder` left out is the user's data folder. Where nothing
    can be kept, the key is a new one at every start.
    """
    if folder is None:
        import platformdirs

        folder = Path(platformdirs.user_data_dir("soundmorph", appauthor=False))
    path = folder / NAME
    with contextlib.suppress(OSError, ValueError):
        if len(kept := path.read_text("ascii").strip()) >= KEY_BYTES and kept.isalnum():
            return kept
    key = secrets.token_hex(KEY_BYTES)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(key)
    return key
