"""Tests for the web page of a real server, in a real browser.

The page has a map of sounds. "Point" means the current z, the position in latent space that the performer
moves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("playwright", reason="Playwright is part of the `dev` extra")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext

from realtime.control.state.history import GESTURE_S
from realtime.model.decoder import resolve
from realtime.synth.commands import HIT_SETTINGS
from tests.system.browser import Tab, browser
from tests.system.rig import Server, assert_recording_equals_log, wait_until

DRAG_S = 10.0
LEARN_MS = 300_000  # until the first version of a new model is playing on a busy machine
STEP = 6000  # samples in a step at 120 beats per minute and 48 kHz
DROP = """([name, bytes]) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], name));
  const drop = new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true});
  document.querySelector(".map-area").dispatchEvent(drop);
}"""
PAINTED = """selector => {
  const canvas = document.querySelector(selector), {width, height} = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  const pixels = copy.getImageData(0, 0, width, height).data;
  return pixels.some((value, i) => i % 4 === 3 && value > 0);
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    with browser() as context:
        yield context


def address(server: Server) -> str:
    return server.wait_for(r"^page +(http\S+)")[1]


def serve(model: Path, folder: Path, *arguments: str) -> Server:
    kept = "--presets", str(folder / "presets.json"), "--takes", str(folder / "takes")
    return Server(model, "--null", *kept, *arguments)


def settings(server: Server) -> dict[str, float]:
    """Return the settings that the server uses for new hits."""
    _, told = server.ask("/morph/get/settings")
    return {
        name: float(value) for name, value in zip(told[::2], told[1::2], strict=True) if name in HIT_SETTINGS
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def server(tiny_model: Path, folder: Path) -> Iterator[Server]:
    """The server that the tests share; each test starts with silence and an empty pattern."""
    with serve(tiny_model, folder) as server:
        server.page = address(server)  # type: ignore[attr-defined]
        yield server


@pytest.fixture
def tab(chromium: BrowserContext, server: Server) -> Iterator[Tab]:
    """A tab with the page; at the end, its console must have neither errors nor warnings."""
    server.send("/morph/panic")
    server.send("/morph/seq/clear")
    server.send("/morph/seq/path")
    tab = Tab(chromium.new_page(), server.page)  # type: ignore[attr-defined]
    yield tab
    assert tab.complaints == []
    tab.page.close()


def test_page_is_accessible_in_every_panel_in_dark_and_light_colours(tab: Tab, server: Server) -> None:
    server.ask("/morph/seq/add", str(server.ask("/morph/get/classes")[1][0]))
    tab.page.wait_for_selector(".step")
    for theme in ("Light colours", "Dark colours"):
        tab.page.click(f"[aria-label='{theme}']")
        for panel in ("hits", "presets", "sound", "server", "morph"):
            tab.page.click(f"#tab-{panel}")
            found = Axe().run(tab.page)
            assert found.violations_count == 0, f"{theme}, {panel}: {found.generate_report()}"


def test_page_shows_that_it_is_loading_until_its_scripts_run(chromium: BrowserContext, tab: Tab) -> None:
    page = chromium.new_page()
    page.route("**/page/app.js", lambda route: route.abort())
    page.goto(tab.page.url)
    assert page.inner_text("header p") == "Loading the page"
    page.close()
    assert "Loading the page" not in tab.page.inner_text("header")


def test_page_shows_refused_messages_from_other_programs(tab: Tab, server: Server) -> None:
    server.send("/morph/tigger", 1.0)
    tab.page.wait_for_selector(".notes :text('/morph/tigger')")
    assert "did you mean /morph/trigger" in (tab.page.text_content(".notes") or "")


def test_name_field_accepts_other_spellings_of_a_class(tab: Tab, server: Server) -> None:
    field = tab.page.locator("input[aria-label='To']")
    shown = "name => document.querySelector('input[aria-label=To]').value === name"
    for said, wanted in (("Snare Drums", "snare"), ("hi-hats", "hihat"), ("gong", "hihat")):
        field.fill(said)
        field.press("Enter")
        tab.page.wait_for_function(shown, arg=wanted)


def test_two_pages_control_one_server(chromium: BrowserContext, tab: Tab, server: Server) -> None:
    other = Tab(chromium.new_page(), server.page)  # type: ignore[attr-defined]
    hits = float(server.status()["hits"])
    for each in (tab, other):
        each.page.click(".class-pad >> nth=1")
    server.wait_until(hits=hits + 2)
    place = [round(float(x), 3) for x in server.ask("/morph/get/xy")[1]]
    for each in (tab, other):
        each.page.wait_for_function(
            "([x, y]) => Math.hypot(soundmap.point.x - x, soundmap.point.y - y) < 0.01", arg=place
        )
    assert other.complaints == []
    other.page.close()


def test_keys_play_classes_and_move_the_point_between_sounds(tab: Tab, server: Server) -> None:
    hits = float(server.status()["hits"])
    tab.page.keyboard.press("s")
    server.wait_until(hits=hits + 1)
    tab.page.focus(".map")
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Space")
    server.wait_until(hits=hits + 2)
    focused = tab.page.evaluate("[soundmap.focused.x, soundmap.focused.y]")
    assert np.allclose(server.ask("/morph/get/xy")[1], focused, atol=1e-4)


def test_search_marks_only_sounds_with_that_name(tab: Tab) -> None:
    name = tab.page.evaluate("soundmap.dots[0].name")
    tab.page.fill("[aria-label='Find a sound on the map']", name)
    marked = "Array.from(soundmap.marked, (dot) => dot.name)"
    found = tab.page.evaluate(marked)
    assert name in found
    assert all(name in each for each in found)


def test_each_control_of_the_point_moves_the_point_and_undo_restores_it(tab: Tab, server: Server) -> None:
    def point() -> list[float]:
        return [float(x) for x in server.ask("/morph/get/z")[1]]

    def moved(act: Callable[[], None]) -> None:
        before = point()
        act()
        wait_until(lambda: not np.allclose(point(), before, atol=1e-3))

    page = tab.page
    page.click("#tab-morph")
    moved(lambda: page.locator("input.morph").press("End"))
    moved(lambda: page.locator(".pad").click(position={"x": 30, "y": 80}))
    here = point()
    page.wait_for_timeout(1000 * GESTURE_S + 50)  # makes the next move a new gesture, which is undone alone
    moved(lambda: page.locator(".axis input").first.press("End"))
    moved(lambda: page.click("[aria-label='Undo the latest move']"))
    assert np.allclose(point(), here, atol=1e-3)
    moved(lambda: page.click("[aria-label='Redo']"))
    moved(lambda: page.get_by_role("slider", name="snare", exact=True).press("End"))
    _, told = server.ask("/morph/get/probabilities")
    assert told[told.index("snare") + 1] == max(told[1::2])


def test_sounds_and_presets_have_pictures_and_axes_are_named_by_their_effect(
    tab: Tab, server: Server
) -> None:
    tab.page.mouse.move(*tab.place(*tab.page.evaluate("[soundmap.dots[0].x, soundmap.dots[0].y]")))
    tab.page.wait_for_selector(".tip .picture path")
    server.send("/morph/preset/store", "here")
    tab.page.click("#tab-presets")
    tab.page.wait_for_selector(".preset .picture path")
    server.ask("/morph/preset/delete", "here")
    tab.page.click("#tab-morph")
    effect = re.compile("darker|brighter|shorter|longer|purer|noisier|sharper|softer|quieter|louder")
    tab.page.locator(".axis").filter(has_text=effect).first.wait_for()


def test_drag_around_sounds_on_the_map_selects_them(tab: Tab, server: Server) -> None:
    tab.page.click("[aria-label='Dragging selects sounds for a zone']")
    corners = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
    tab.page.mouse.move(*tab.place(*corners[0]))
    tab.page.mouse.down()
    for corner in corners[1:]:
        tab.page.mouse.move(*tab.place(*corner))
    tab.page.mouse.up()
    inside = "soundmap.dots.filter(({x, y}) => x > 0 && x < 0.5 && y > 0 && y < 1).length"
    caught = tab.page.evaluate("soundmap.marked.size")
    assert caught == pytest.approx(tab.page.evaluate(inside), abs=1)  # a sound may lie on the edge
    hits = float(server.status()["hits"])
    tab.page.click("[aria-label='Play any sound of the zone']")
    server.wait_until(hits=hits + 1)
    assert float(server.ask("/morph/get/xy")[1][0]) <= 0.5


def test_sound_dropped_on_the_map_becomes_a_preset_that_plays(tab: Tab, server: Server, folder: Path) -> None:
    t = np.arange(4000) / 22_050
    soundfile.write(folder / "knock.wav", np.sin(2 * np.pi * 200 * t) * np.exp(-30 * t), 22_050)
    tab.page.click("#tab-presets")
    tab.page.evaluate(DROP, ["knock.wav", list((folder / "knock.wav").read_bytes())])
    hits = float(server.status()["hits"])
    tab.page.click("button:text-is('knock')")
    server.wait_until(hits=hits + 1)
    assert server.ask("/morph/get/presets")[1] == ["knock"]


def test_a_folder_of_sounds_that_is_sent_becomes_a_model_that_plays(
    chromium: BrowserContext, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="PyTorch is part of the `learn` extra")
    sounds, library = tmp_path / "My Kit", tmp_path / "library"
    t = np.arange(4000) / 22_050
    for label, hz in (("Low", 90), ("High", 400)):
        (sounds / label).mkdir(parents=True)
        for take in (1, 2):
            sound = np.sin(2 * np.pi * hz * take**0.1 * t) * np.exp(-20 * t)
            soundfile.write(sounds / label / f"{take}.wav", sound, 22_050)
    (sounds / "notes.txt").write_text("not a sound")
    library.mkdir()
    with serve(resolve("digits"), tmp_path, "--library", str(library)) as server:
        tab = Tab(chromium.new_page(), address(server))
        tab.page.click("#tab-server")
        tab.page.set_input_files("input[webkitdirectory]", sounds)
        tab.page.wait_for_selector(".state:has-text('My Kit')", timeout=LEARN_MS)
        tab.page.wait_for_selector(".class-pad:has-text('Low')")
        assert server.ask("/morph/get/classes")[1] == ["High", "Low"]
        assert {path.name for path in (library / "kits" / "My Kit" / "My Kit").rglob("*.*")} == {
            "1.wav",
            "2.wav",
        }
        tab.page.wait_for_selector("button[title='kits/My Kit/model/My Kit.onnx'][aria-pressed=true]")
        preview = tab.page.wait_for_selector("img[src^='/page/preview.png']")
        tab.page.wait_for_function("image => image.naturalWidth > 0", arg=preview)
        stop = tab.page.locator("text=Stop learning")
        if stop.is_visible():
            stop.click()
        tab.page.click("button[title='digits']")
        tab.page.wait_for_selector(".state:has-text('digits')")
        assert tab.complaints == []
        tab.page.close()


def test_a_click_and_a_midi_message_assign_a_midi_control(tab: Tab, server: Server) -> None:
    send = "message => import('/page/midi.js').then((midi) => midi.take(message))"
    tab.page.click(".learn")
    tab.page.click("input[aria-label='Gain']")
    tab.page.evaluate(send, [0xB2, 74, 1])
    tab.page.wait_for_selector(".learn[aria-pressed=false]")
    tab.page.evaluate(send, [0xB2, 74, 127])
    server.wait_until(gain_db=12.0)
    tab.page.evaluate(send, [0xB1, 74, 0])  # has no effect, because the channel is different
    tab.page.evaluate(send, [0xB2, 74, 0])
    server.wait_until(gain_db=-40.0)
    server.send("/morph/gain", 0.0)


WORDS = {
    "dynamics": "changes the timbre",
    "vary": "from hit to hit",
}  # labels on the page that do not contain the setting's name


def test_every_setting_of_hits_can_be_set_on_the_page(tab: Tab, server: Server) -> None:
    before = settings(server)
    tab.page.click("#tab-hits")
    panel = tab.page.locator("#panel-hits")
    for name, row in HIT_SETTINGS.items():
        if row.switch:
            panel.get_by_role("button", name=name.capitalize()).click()
        else:
            panel.locator(f"label:has-text('{WORDS.get(name, name)}') input").press("Home")
    lowest = {"pitch": -24.0, "decay": 20.0}  # lowest values of sliders, if not those of the settings
    wanted = {n: 1.0 if row.switch else lowest.get(n, row.quantity.low) for n, row in HIT_SETTINGS.items()}
    wait_until(lambda: settings(server) == wanted, lambda: settings(server))
    for name, value in before.items():
        server.send(f"/morph/{name}", value)


def test_a_take_is_recorded_shown_and_downloaded(tab: Tab, server: Server, folder: Path) -> None:
    tab.page.click("#tab-sound")
    tab.page.click("button:text('Record')")
    tab.page.wait_for_selector(".record[aria-pressed=true]")
    tab.page.click(".class-pad >> nth=0")
    for canvas in ("[aria-label='Waveform of the output']", "[aria-label='Spectrogram of the output']"):
        tab.page.wait_for_function(PAINTED, arg=canvas)
    tab.page.click(".record")
    with tab.page.expect_download() as coming:
        tab.page.click("a:text('.wav')")
    (kept,) = (folder / "takes").glob("*.wav")
    assert coming.value.suggested_filename == kept.name
    assert Path(coming.value.path()).read_bytes() == kept.read_bytes()
    assert np.abs(soundfile.read(kept)[0]).max() > 0.0


def test_path_drawn_on_the_map_moves_the_point_after_the_page_is_closed(tab: Tab, server: Server) -> None:
    tab.page.click("[aria-label='Dragging draws a path for the point']")
    tab.page.mouse.move(*tab.place(0.1, 0.2))
    tab.page.mouse.down()
    for step in range(1, 11):
        tab.page.mouse.move(*tab.place(0.1 + 0.08 * step, 0.2 + 0.05 * step))
    tab.page.mouse.up()
    tab.page.wait_for_selector(".of-point")
    tab.page.wait_for_selector("text=Stop the steps")
    tab.page.goto("about:blank")
    hits = float(server.status()["hits"])
    seen = [server.ask("/morph/get/z")[1]]
    while float(server.status()["hits"]) < hits + 2:
        server.play_for(0.1)
        seen.append(server.ask("/morph/get/z")[1])
    assert len({tuple(z) for z in seen}) > len(seen) / 2
    server.send("/morph/seq/stop")


def test_page_reconnects_with_its_presets_after_a_restart_of_the_server(
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


def test_sound_played_from_the_page_equals_its_rendered_log_and_steps_are_in_time(
    chromium: BrowserContext, tiny_model: Path, tmp_path: Path
) -> None:
    take, log = tmp_path / "heard.wav", tmp_path / "take.jsonl"
    with serve(tiny_model, tmp_path, "--synchronous", "--record", str(take), "--log", str(log)) as server:
        tab = Tab(chromium.new_page(), address(server))
        name, *place = tab.page.evaluate("(({name, x, y}) => [name, x, y])(soundmap.dots[0])")
        tab.page.mouse.click(*tab.place(*place))
        server.wait_until(hits=1)
        place_of_point = server.ask("/morph/get/xy")[1]  # the positions of the dots are rounded
        assert np.allclose(place_of_point, place, atol=1e-3), name
        x, y = tab.empty_place()
        tab.page.mouse.move(*tab.place(x, y))
        tab.page.mouse.down()
        server.wait_until(hits=2)
        begun, step = float(server.status()["seconds"]), 0
        while float(server.status()["seconds"]) < begun + DRAG_S:
            step += 1
            part = 0.5 - 0.5 * np.cos(step / 20)
            tab.page.mouse.move(*tab.place(x + (0.5 - x) * part, y + (0.5 - y) * part))
            if step % 10 == 5:
                tab.page.keyboard.press("a")
        tab.page.mouse.up()
        server.wait_until(voices=0)
        tab.page.click("text=Add a lane")
        for step in (1, 4, 11):
            tab.page.click(f"[aria-label='Lane 1, step {step}']")
            tab.page.wait_for_selector(f"[aria-label='Lane 1, step {step}, velocity 80 %']")
        tab.page.click("button:text-is('Play')")
        tab.page.wait_for_selector("text=Stop the steps")
        assert tab.complaints == []
        tab.page.close()  # the server continues to play without the page
        hits = float(server.status()["hits"])
        while float(server.status()["hits"]) < hits + 4:
            server.play_for(0.1)
        assert server.stop() == 0
    heard = tmp_path / "heard.npy"
    np.save(heard, soundfile.read(take, dtype="float32", always_2d=True)[0])
    assert_recording_equals_log(log, heard, at_least_s=0.5)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line["at"] for line in lines if line.get("do") == "trigger" and "point" in line]
    assert len(steps) >= 4
    assert [at - steps[0] for at in steps[:4]] == [0, 3 * STEP, 10 * STEP, 16 * STEP]
