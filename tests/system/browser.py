"""A real browser for tests: the system's Chromium, without a window or connections to other machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.system.rig import program

TIMEOUT_MS = 60_000  # a page is drawn slowly on a busy machine
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium looks up Google's hosts when it starts; without a name server, this takes seconds
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Tab:
    """A tab of the browser that shows the web page of a server.

    Attributes:
        page: the tab, as an object of Playwright.
        complaints: errors and warnings in the console of the tab, and requests to other machines.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on(
            "console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._check)
        page.goto(address)
        page.wait_for_selector(".lamp.on")
        page.wait_for_selector(".class-pad")

    def _check(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.complaints.append(f"request for {request.url}")

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the screen coordinates of a position on the map of sounds, in pixels.

        `x` is from 0 at the left to 1, `y` from 0 at the bottom to 1.
        """
        at = self.page.evaluate(
            "([x, y]) => { const box = soundmap.frame.getBoundingClientRect();"
            " const [px, py] = soundmap.toScreen({x, y}); return [box.left + px, box.top + py]; }",
            [x, y],
        )
        return at[0], at[1]

    def empty_place(self) -> tuple[float, float]:
        """Return x and y, from 0 to 1, of a position on the map with no sound near it."""
        for i in range(5, 96):
            for j in range(5, 96):
                place = i / 100, j / 100
                near = "([x, y]) => soundmap.nearest(...soundmap.toScreen({x, y}), 30) !== null"
                if not self.page.evaluate(near, list(place)):
                    return place
        raise AssertionError("a sound is near every position on the map")


@contextmanager
def browser(
    size: tuple[int, int] = (1440, 900), scheme: Literal["dark", "light"] = "dark", touch: bool = False
) -> Iterator[BrowserContext]:
    """Start a browser with a temporary profile; skip the test if Chromium is not installed.

    Args:
        size: width and height of the page in pixels.
        scheme: colours that the user prefers.
        touch: whether the device has a touch screen.

    Yields:
        The browser.
    """
    chromium = program("chromium")
    with sync_playwright() as playwright, TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        context = playwright.chromium.launch_persistent_context(
            Path(profile),
            executable_path=chromium,
            args=ARGUMENTS,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            has_touch=touch,
            is_mobile=touch,
        )
        context.set_default_timeout(TIMEOUT_MS)
        try:
            yield context
        finally:
            context.close()
