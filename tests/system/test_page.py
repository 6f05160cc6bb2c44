"""The page in a real browser, before a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("playwright", reason="the extra dev brings it")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext

from realtime.synth.commands import HIT_SETTINGS
from tests.system.browser import Tab, browser
from tests.system.rig import Server, assert_heard_as_logged


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    with browser() as context:
        yield context


def address(server: Server) -> str:
    return server.wait_for(r"^page +(http\S+)")[1]


def serve(model: Path, folder: Path, *arguments: str) -> Server:
    return Server(model, "--null", "--presets", str(folder / "presets.json"), *arguments)


def settings(server: Server) -> dict[str, float]:
    """Return the settings of new hits."""
    _, told = server.ask("/morph/get/settings")
    return {
        name: float(value) for name, value in zip(told[::2], told[1::2], strict=True) if name in HIT_SETTINGS
    }


def test_it_loads_without_complaints_and_is_accessible(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    with serve(tiny_model, tmp_path) as server:
        tab = Tab(chromium.new_page(), address(server))
        for panel in ("hits", "presets", "server", "morph"):
            tab.page.click(f"#tab-{panel}")
            found = Axe().run(tab.page)
            assert found.violations_count == 0, f"{panel}: {found.generate_report()}"
        assert tab.complaints == []
        tab.page.close()


def test_a_press_sounds_and_a_drag_sounds_as_its_log_is_rendered(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    take, log = tmp_path / "heard.wav", tmp_path / "take.jsonl"
    with serve(tiny_model, tmp_path, "--synchronous", "--record", str(take), "--log", str(log)) as server:
        tab = Tab(chromium.new_page(), address(server))
        name, *place = tab.page.evaluate("(({name, x, y}) => [name, x, y])(soundmap.dots[0])")
        tab.page.mouse.click(*tab.place(*place))
        server.wait_until(hits=1)
        assert np.allclose(server.ask("/morph/get/xy")[1], place, atol=1e-4), name
        x, y = tab.empty_place()
        tab.page.mouse.move(*tab.place(x, y))
        tab.page.mouse.down()
        server.wait_until(hits=2)
        for step in range(40):
            tab.page.mouse.move(*tab.place(x + (0.5 - x) * step / 40, y + (0.5 - y) * step / 40))
            if step % 10 == 5:
                tab.page.keyboard.press("a")
        tab.page.mouse.up()
        server.wait_until(voices=0)
        assert tab.complaints == []
        tab.page.close()
        assert server.stop() == 0
    heard = tmp_path / "heard.npy"
    np.save(heard, soundfile.read(take, dtype="float32", always_2d=True)[0])
    assert_heard_as_logged(log, heard, at_least_s=0.5)


def test_a_refused_message_of_any_program_is_seen(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    with serve(tiny_model, tmp_path) as server:
        tab = Tab(chromium.new_page(), address(server))
        server.send("/morph/tigger", 1.0)
        tab.page.wait_for_selector(".notes :text('/morph/tigger')")
        assert "did you mean /morph/trigger" in (tab.page.text_content(".notes") or "")
        tab.page.close()


def test_it_comes_back_with_its_presets_when_the_server_starts_again(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    with serve(tiny_model, tmp_path) as server:
        where = address(server)
        tab = Tab(chromium.new_page(), where)
        tab.page.click("#tab-presets")
        tab.page.fill("[placeholder='Name this place']", "glass")
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("text=glass")
        assert server.stop() == 0
    tab.page.wait_for_selector("text=No server; trying again")
    port = where.rstrip("/").rpartition(":")[2]
    with serve(tiny_model, tmp_path, "--oscquery", port) as server:
        tab.page.wait_for_selector(".lamp.on")
        tab.page.click("[aria-label='Go to glass']")
        tab.page.click("button:text-is('glass')")
        server.wait_until(hits=1)
        tab.page.close()


def test_two_pages_play_one_instrument(chromium: BrowserContext, tiny_model: Path, tmp_path: Path) -> None:
    with serve(tiny_model, tmp_path) as server:
        where = address(server)
        tabs = [Tab(chromium.new_page(), where) for _ in range(2)]
        for tab in tabs:
            tab.page.click(".class-pad >> nth=1")
        server.wait_until(hits=2)
        place = [round(float(x), 3) for x in server.ask("/morph/get/xy")[1]]
        for tab in tabs:
            while (
                tab.page.evaluate("([x, y]) => Math.hypot(soundmap.point.x - x, soundmap.point.y - y)", place)
                > 0.01
            ):
                tab.page.wait_for_timeout(50)
            assert tab.complaints == []
            tab.page.close()


def test_a_dropped_sound_is_a_preset_that_plays(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    t = np.arange(4000) / 22_050
    soundfile.write(tmp_path / "knock.wav", np.sin(2 * np.pi * 200 * t) * np.exp(-30 * t), 22_050)
    with serve(tiny_model, tmp_path) as server:
        tab = Tab(chromium.new_page(), address(server))
        tab.page.click("#tab-presets")
        tab.page.set_input_files("input[type=file]", tmp_path / "knock.wav")
        tab.page.click("button:text-is('knock')")
        server.wait_until(hits=1)
        assert server.ask("/morph/get/presets")[1] == ["knock"]
        tab.page.close()


def test_a_pattern_drawn_on_the_page_plays_without_it(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    with serve(tiny_model, tmp_path) as server:
        tab = Tab(chromium.new_page(), address(server))
        tab.page.click("text=Add a lane")
        tab.page.click("[aria-label^='Lane 1, step 3']")
        tab.page.wait_for_selector("[aria-label='Lane 1, step 3, velocity 80 %']")
        tab.page.click("button:text-is('Play')")
        tab.page.wait_for_selector("text=Stop the steps")
        assert tab.complaints == []
        tab.page.close()
        hits = float(server.status()["hits"])
        while float(server.status()["hits"]) < hits + 2:
            server.play_for(0.1)


def test_every_setting_of_hits_can_be_set_on_the_page(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    with serve(tiny_model, tmp_path) as server:
        tab = Tab(chromium.new_page(), address(server))
        tab.page.click("#tab-hits")
        panel = tab.page.locator("#panel-hits")
        for name, row in HIT_SETTINGS.items():
            if row.switch:
                panel.get_by_role("button", name=name.capitalize()).click()
            else:
                panel.locator(f"label:has-text('{name}') input").press("Home")
        lowest = {"pitch": -24.0, "decay": 20.0}  # of the slider
        wanted = {
            n: 1.0 if row.switch else lowest.get(n, row.quantity.low) for n, row in HIT_SETTINGS.items()
        }
        while settings(server) != wanted:
            tab.page.wait_for_timeout(50)
        assert tab.complaints == []
        tab.page.close()
