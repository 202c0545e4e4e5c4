"""The lab's page in a real browser: from disk without a network, with a mouse, a finger and a keyboard."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import run, saved, serve_parts
from numpy.testing import assert_allclose
from playwright.sync_api import Browser, Page

from gradline.lab.bundle import module


class Opened:
    """The lab as a person sees it: a page from this disk, the network cut off."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._address = browser, address
        self.errors: list[str] = []

    def at(self, state: str = "", *, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = self._browser.new_context(viewport={"width": width, "height": height}, locale="en", **options)
        context.set_offline(True)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text))
        page.on(
            "request",
            lambda request: request.url.startswith(("file:", "data:", "blob:")) or self.errors.append(request.url),
        )
        page.goto(f"{self._address}#{state}")
        page.wait_for_selector(".gradline-lab .status:not(:empty)")
        return page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    opened = Opened(browser, address)
    yield opened
    for context in browser.contexts:
        context.close()
    assert opened.errors == []


def state(page: Page, *expected: str) -> str:
    """The state in the page's address, once it holds these parts (a part that begins with ! is not to be there)."""
    page.wait_for_function(
        "parts => { const said = location.hash.slice(1).split('&');"
        " return parts.every(part => part[0] === '!' ? !said.includes(part.slice(1)) : said.includes(part)); }",
        arg=list(expected),
    )
    return str(page.evaluate("location.hash.slice(1)"))


def drawn(page: Page) -> Page:
    """The page, once what was asked before is drawn."""
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    return page


def seen(page: Page, selector: str) -> str:
    """The text of an element, once what was asked before is drawn."""
    return drawn(page).inner_text(selector)


def status(page: Page) -> str:
    return seen(page, ".status")


def points(page: Page) -> list[list[float]]:
    found = re.search(r"points=([^&]*)", page.evaluate("location.hash"))
    return [[float(value) for value in point.split(",")] for point in found[1].split(";")] if found else []


def test_it_opens_paused_with_the_notebooks_state(opened: Opened) -> None:
    page = opened.at()
    assert status(page).startswith("Paused before the first line. The learning rate 0.01 is 0.34 of")
    assert seen(page, ".count") == "0 / 500"
    assert seen(page, ".code li.next") == "optimizer.zero_grad()\n↑\n↓"
    assert "−0.7822" in seen(page, ".data .formula")


def test_its_title_is_there_before_the_module_has_built_the_rest(browser: Browser, address: str) -> None:
    still = browser.new_page(java_script_enabled=False)
    still.goto(address)
    assert still.locator("main").inner_text() == "gradline lab"
    still.close()


def test_what_stands_still_is_not_drawn_again(opened: Opened) -> None:
    page = opened.at("step=3&noise=1")
    drawn(page).evaluate(
        """() => {
          window.texts = 0;
          const write = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (...given) { texts += 1; write.apply(this, given); };
          window.changed = [];
          new MutationObserver((all) => all.forEach(({target}) => changed.push(target.className || target.nodeName)))
            .observe(document.querySelector(".settings"), {subtree: true, childList: true, attributes: true});
        }"""
    )
    page.get_by_role("button", name="Step", exact=True).click()
    assert seen(page, ".loss .formula").startswith("step 4")
    assert page.evaluate("[texts, changed.length]") == [0, 0]
    page.locator(".control.lr input.number").fill("0.02")
    page.locator(".control.lr input.number").press("Enter")
    drawn(page)
    assert page.evaluate("changed.length") > 0


def test_what_is_refused_goes_back_at_once(opened: Opened) -> None:
    page = opened.at("noise=1&seed=7")
    low = page.locator(".control.low input[type=range]")
    low.fill("20")  # beyond the end at 10
    assert float(low.input_value()) == -10
    assert "x from" in seen(page, ".note")
    seed = page.locator(".control.seed input")
    seed.fill("")
    seed.press("Enter")
    assert seed.input_value() == "7"


def test_playing_goes_on_from_where_the_hand_has_put_it(opened: Opened) -> None:
    page = opened.at("noise=1&step=300&lr=0.001")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('.count').textContent.split('/')[0]) > 300")
    page.locator(".surface canvas").click(position={"x": 120, "y": 60})
    page.wait_for_timeout(400)
    assert int(seen(page, ".count").split("/")[0]) < 300


def test_a_loss_dragged_to_its_end_shows_what_a_fresh_page_shows(opened: Opened) -> None:
    page = opened.at("noise=1")
    box = page.locator(".loss canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 18, box["y"] + 80)
    page.mouse.up()
    picture = "() => document.querySelector('.loss canvas').toDataURL()"
    fresh = opened.at(state(page, "step=20"))
    drawn(page)
    page.wait_for_timeout(200)
    assert page.evaluate(picture) == drawn(fresh).evaluate(picture)


def test_a_number_is_written_plainly_once_it_is_left(opened: Opened) -> None:
    page = opened.at()
    number = page.locator(".control.lr input.number")
    number.fill("0.0200")
    number.press("Enter")
    number.blur()
    assert number.input_value() == "0.02"


def test_five_lines_are_a_step(opened: Opened) -> None:
    page = opened.at()
    line = page.get_by_role("button", name="Line", exact=True)
    said = []
    for _ in range(5):
        line.click()
        said.append(status(page))
    assert [text.split("(")[0].split(" ")[0] for text in said] == ["zero_grad", "pred", "loss", "backward", "Step"]
    assert "None → −189.8" in said[3]
    assert seen(page, ".count") == "1 / 500"
    page.get_by_role("button", name="Back").click()
    assert status(page) == said[3]
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_role("button", name="Run ten steps").click()
    assert seen(page, ".count") == "11 / 500"
    page.get_by_role("button", name="Start").click()
    assert seen(page, ".count") == "0 / 500"


CONTROLS = [
    ("lr", "0.02", "lr=0.02"),
    ("momentum", "0.5", "momentum=0.5"),
    ("batch", "10", "batch=10"),
    ("epochs", "50", "epochs=50"),
    ("noise", "1.5", "noise=1.5"),
    ("n", "30", "n=30"),
    ("slope", "-1", "slope=-1"),
    ("intercept", "0.5", "intercept=0.5"),
    ("low", "-5", "low=-5"),
    ("high", "7", "high=7"),
    ("seed", "7", "seed=7"),
]


def test_every_control(opened: Opened) -> None:
    page = opened.at()
    for name, typed, expected in CONTROLS:
        page.fill(f".control.{name} .number", typed)
        page.press(f".control.{name} .number", "Enter")
        state(page, expected)
    for name, _, expected in CONTROLS[:-1]:  # the slider moves the same setting, from the keyboard too
        page.press(f".control.{name} input[type=range]", "ArrowLeft")
        state(page, f"!{expected}")
    for name, label, expected in (
        ("on", "wx + b + e", "on=y"),
        ("reduction", "sum", "reduction=sum"),
        ("init", "0, 0", "init=zeros"),
    ):
        page.locator(f".control.{name}").get_by_label(label, exact=True).check()
        state(page, expected)
    page.check(".control.center input")
    state(page, "center=1")
    for place in ("before", "between", "after", "off"):
        page.select_option(".control.zero select", place)
        state(page, f"zero={place}")
    page.get_by_role("button", name="new seed").click()
    state(page, "seed=8")
    page.fill(".control.lr .number", "fast")
    page.press(".control.lr .number", "Enter")
    assert "learning rate: from" in seen(page, ".note")
    assert "NaN" not in seen(page, "body")


def test_the_fastest_rate_is_a_press_away(opened: Opened) -> None:
    page = opened.at()
    assert "diverges from 0.0291" in seen(page, ".control.lr")
    page.get_by_role("button", name="fastest 0.0282").click()
    state(page, "lr=0.0282")
    slider = page.locator(".control.lr input[type=range]")
    assert slider.get_attribute("aria-valuetext") == "0.0282, 0.97 of the divergence limit"


def test_zero_grad_is_moved_and_switched_off_in_the_code(opened: Opened) -> None:
    page = opened.at()
    down = page.get_by_role("button", name="Move zero_grad down")
    for place in ("before", "between", "after"):
        down.click()
        state(page, f"zero={place}")
    assert drawn(page).locator(".code code").all_inner_texts()[-1] == "optimizer.zero_grad()"
    page.get_by_role("checkbox", name="call zero_grad").uncheck()
    state(page, "zero=off")
    assert drawn(page).locator(".code li.off code").inner_text() == "# optimizer.zero_grad()"
    assert "never settles" in seen(page, ".control.lr")


def test_a_change_on_the_way_goes_on_from_there(opened: Opened) -> None:
    page = opened.at("step=40")
    page.fill(".control.lr .number", "0.02")
    page.press(".control.lr .number", "Enter")
    state(page, "from=40,0.02,0,top", "step=40")
    page.get_by_role("button", name="Reset").click()
    state(page, "lr=0.02", "!step=40")


def test_points_are_dragged_added_and_deleted_with_the_mouse(opened: Opened) -> None:
    page = opened.at("n=10")
    box = page.locator(".data canvas").bounding_box()
    assert box is not None
    page.locator(".data .plot").focus()
    page.keyboard.press("ArrowRight")  # the leftmost point
    before = seen(page, ".readout")
    page.keyboard.press("Escape")
    place = (box["x"], box["y"], box["width"], box["height"])
    page.mouse.click(place[0] + place[2] * 0.5, place[1] + place[3] * 0.15)
    state(page)
    page.wait_for_function("() => location.hash.includes('points=')")
    assert len(points(page)) == 11
    added = points(page)[-1]
    page.mouse.move(place[0] + place[2] * 0.5, place[1] + place[3] * 0.15)
    page.mouse.down()
    page.mouse.move(place[0] + place[2] * 0.6, place[1] + place[3] * 0.4, steps=5)
    page.mouse.up()
    page.wait_for_function("x => !location.hash.includes(x)", arg=",".join(f"{value:g}" for value in added))
    moved = points(page)[-1]
    assert moved[0] > added[0]
    assert moved[1] < added[1]
    page.get_by_role("button", name="Delete").click()
    page.wait_for_function("() => location.hash.split(';').length === 10")
    page.get_by_role("button", name="Drawn points again").click()
    page.wait_for_function("() => !location.hash.includes('points=')")
    assert before.startswith("Point ")


def test_points_are_moved_with_a_finger(opened: Opened) -> None:
    page = opened.at("points=0,0;1,1;2,5", width=420, has_touch=True, is_mobile=True)
    box = page.locator(".data canvas").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + 30)  # an empty place: one more point
    page.wait_for_function("() => location.hash.split(';').length === 4")
    session = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] * 0.5, box["y"] + 30
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for shift in (10, 20, 30, 40):
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + shift}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(500)
    assert len(points(page)) == 4
    assert page.evaluate("scrollY") == 0
    assert 1 < points(page)[-1][1] < 5


def test_points_and_the_start_are_moved_with_the_keyboard(opened: Opened) -> None:
    page = opened.at("points=0,0;1,1;2,5")
    page.locator(".data .plot").focus()
    for key in ("ArrowRight", "ArrowRight", "Enter", "ArrowUp", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("() => !location.hash.includes('1,1;')")
    assert points(page)[1][0] == 1
    assert points(page)[1][1] > 1
    page.keyboard.press("+")
    page.keyboard.press("Delete")
    page.wait_for_function("() => location.hash.split(';').length === 3")
    page.locator(".surface .plot").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("() => location.hash.includes('init=')")


def test_a_table_is_pasted_and_dropped(opened: Opened) -> None:
    page = opened.at("step=7")
    page.get_by_role("button", name="Paste or open CSV").click()
    page.fill("dialog textarea", "<b>only text</b>")
    page.get_by_role("button", name="Use these points").click()
    assert "at least two rows" in seen(page, "dialog[open] .note")
    page.fill("dialog textarea", "x,y\n1,2\n2,4\n<img src=x onerror=alert(1)>,3\n4,9\n")
    page.get_by_role("button", name="Use these points").click()
    state(page, "own=1,2;2,4;4,9")
    assert seen(page, ".gradline-lab > .note") == "3 points taken; 1 rows left out."
    page.evaluate(
        "() => { const dataTransfer = new DataTransfer(); dataTransfer.setData('text/plain', '5 1\\n6 2\\n7 4');"
        " const drop = new DragEvent('drop', {dataTransfer, bubbles: true});"
        " document.querySelector('.gradline-lab').dispatchEvent(drop); }"
    )
    state(page, "own=5,1;6,2;7,4")


@pytest.mark.parametrize("bad", ["lr=fast", "points=1,2;<img src=x onerror=alert(1)>,3", "<b>=1", "nonsense"])
def test_a_malformed_address_opens_the_default_with_a_note(opened: Opened, bad: str) -> None:
    page = opened.at(bad)
    assert seen(page, ".note").startswith("The link has a part that makes no sense here")
    assert seen(page, ".count") == "0 / 500"
    assert drawn(page).locator(".note b, .note img").count() == 0


def test_divergence_is_said_in_words_with_this_runs_numbers(opened: Opened) -> None:
    page = opened.at("lr=0.05")
    page.locator(".codes").click()
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.status').textContent.startsWith('Diverged')")
    said = status(page)
    assert "1.72 times the limit 0.0291" in said
    assert "mostly w" in said
    assert "2.44 times as far" in said
    assert "5.96-fold" in said
    assert not re.search("NaN|undefined", seen(page, "body"))


def test_runs_are_pinned_and_compared(opened: Opened) -> None:
    page = opened.at("step=20")
    page.get_by_role("button", name="Pin").click()
    page.get_by_role("button", name="fastest").click()
    page.get_by_role("button", name="Pin").click()
    assert drawn(page).locator(".kept").all_inner_texts() == ["A: lr 0.01\n×", "B: lr 0.0282\n×"]
    page.get_by_role("button", name="Remove run A").click()
    assert drawn(page).locator(".kept").count() == 1


def test_one_lesson_with_the_keyboard_alone(opened: Opened) -> None:
    page = opened.at()

    def tab_to(text: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()").startswith(text):
                return
        raise AssertionError(f"no way to {text}")

    tab_to("Free exploration")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".lesson")
    page.keyboard.press("Space")  # the first answer has the focus
    tab_to("Check my prediction")
    page.keyboard.press("Enter")
    assert seen(page, ".verdict").startswith("Yes. After 500 steps w is 1.02e−6 away")
    page.locator(".code").evaluate("() => document.activeElement.blur()")
    tab_to("Line")
    for key in ("Enter", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert seen(page, ".count") == "0 / 500"
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert seen(page, ".count") == "2 / 500"
    page.keyboard.press("End")
    assert status(page).startswith("Done after 500 steps")
    page.keyboard.press("Home")
    assert status(page).startswith("Paused")


def test_every_lesson_has_one_right_answer(opened: Opened) -> None:
    page = opened.at()
    for lesson in ("notebook", "rates", "slow", "forgotten", "sum", "batches", "outlier"):
        page.select_option(".top select", lesson)
        title = page.locator(f".top option[value={lesson}]").inner_text()
        assert seen(page, ".lesson h2") == title
        for answer in page.locator(".question label").all():
            answer.click()
            page.get_by_role("button", name="Check my prediction").click()
            assert drawn(page).locator(".question .right").count() == 1
            verdict = seen(page, ".verdict")
            right = "right" in (answer.get_attribute("class") or "")
            assert verdict.startswith("Yes." if right else "Not quite.")
            assert not re.search(r"NaN|undefined|\{|∞", verdict)


def test_languages_switch_live_and_keep_the_state(opened: Opened) -> None:
    page = opened.at("step=3&line=2&lesson=sum&reduction=sum")
    english = seen(page, ".panels")
    page.get_by_role("button", name="한국어").click()
    state(page, "lang=ko", "step=3", "line=2")
    assert seen(page, ".status").startswith("모든 행에서")
    assert page.evaluate("document.activeElement.textContent") == "한국어"
    page.get_by_role("button", name="EN", exact=True).click()
    state(page, "lang=en")
    assert seen(page, ".panels") == english


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(
    opened: Opened, lang: str, scheme: Any, width: int
) -> None:
    page = opened.at(f"lang={lang}&lesson=batches&batch=10&momentum=0.5&step=3", width=width, color_scheme=scheme)
    page.locator(".transport .pin").click()
    for tab in ("surface", "loss", "codes", "settings"):
        if width < 1000:
            page.click(f"[role=tab][data-tab={tab}]")
        elif tab != "surface":
            break
        found = Axe().run(page).response["violations"]
        assert [
            (each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")
        ] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dialogs_are_as_accessible(opened: Opened) -> None:
    page = opened.at()
    for name in ("Keys", "Paste or open CSV"):
        page.get_by_role("button", name=name).click()
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
        page.keyboard.press("Escape")
        assert drawn(page).locator("dialog[open]").count() == 0


def test_light_and_dark_are_chosen_and_kept(opened: Opened) -> None:
    page = opened.at(color_scheme="light")
    paper = "getComputedStyle(document.querySelector('.gradline-lab')).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Light or dark").click()
    state(page, "theme=dark")
    assert page.evaluate(paper) != light


def test_reduced_motion_plays_few_whole_steps(opened: Opened) -> None:
    page = opened.at(reduced_motion="reduce")
    page.evaluate(
        "() => { window.seen = []; const line = document.querySelector('.status');"
        " const note = () => seen.push([performance.now(), line.textContent]);"
        " new MutationObserver(note).observe(line, {childList: true}); }"
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => new Set(seen.map(each => each[1])).size >= 5")
    page.get_by_role("button", name="Pause").click()
    changes = page.evaluate("seen.filter((each, i) => i === 0 || each[1] !== seen[i - 1][1])")
    assert all(text.startswith(("Paused", "Step")) for _, text in changes)
    assert all(b[0] - a[0] > 250 for a, b in pairwise(changes[1:]))


def exported(page: Page, name: str) -> str:
    page.locator("summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "case",
    [
        "step=2",
        "noise=1&on=y&n=40&step=30&momentum=0.9&zero=before",
        "center=1&low=0&high=20&lr=0.005&init=zeros&step=7&epochs=20&zero=after",
        "points=1,2;2,3.5;3,7;5,9&reduction=sum&lr=0.004&epochs=30&step=11",
        "noise=1&batch=32&epochs=6&step=13&seed=3",
        "step=60&epochs=80&from=20,0.02,0.5,off;40,0.01,0,between;50,0.01,0.5,top",
        "lr=0.05&step=3",
    ],
)
def test_an_exported_script_prints_the_loss_shown(opened: Opened, tmp_path: Path, case: str) -> None:
    page = opened.at(case)
    shown = seen(page, ".loss .formula").replace("−", "-").split()
    script = tmp_path / "lab.py"
    script.write_text(exported(page, "PyTorch script"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "error", str(script)], capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"step {shown[1]}:")]
    assert_allclose(float(line.split("= ")[1]), float(shown[3]), rtol=6e-4)  # four digits are shown
    page.get_by_role("slider", name="Position in the run").press("End")
    page.wait_for_function("() => new Set(document.querySelector('.count').textContent.split(' / ')).size === 1")
    end = seen(page, ".loss .formula").replace("−", "-").split()
    assert_allclose(float(done.stdout.split("loss = ")[-1]), float(end[3]), rtol=6e-4)


def test_an_exported_notebook_is_the_same_program(opened: Opened) -> None:
    page = opened.at("step=2")
    notebook = json.loads(exported(page, "Notebook"))
    script = exported(page, "PyTorch script")
    assert notebook["nbformat"] == 4
    code = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert script.split("\n", 1)[1].strip() == "\n\n".join(code)


def test_an_exported_page_opens_where_it_was_left(opened: Opened, browser: Browser, tmp_path: Path) -> None:
    page = opened.at("lr=0.02&step=4&line=3&lang=ko")
    copy = tmp_path / "copy.html"
    copy.write_text(exported(page, "오프라인"), encoding="utf-8")
    other = Opened(browser, copy.as_uri()).at()
    assert status(other) == status(page)
    assert exported(other, "오프라인") == copy.read_text(encoding="utf-8")


def test_a_teacher_leaves_controls_out(opened: Opened) -> None:
    page = opened.at("hide=momentum,noise")
    assert drawn(page).locator(".control.momentum, .control.noise").count() == 0
    page.get_by_role("button", name="new seed").click()
    state(page, "hide=momentum%2Cnoise", "seed=1")


def test_texts_come_in_both_languages_and_are_all_used(browser: Browser) -> None:
    page = browser.new_page()
    serve_parts(page)
    table = run(page, "texts/words", "return part.WORDS;") | run(
        page, "texts/lesson_words", "return part.LESSON_WORDS;"
    )
    page.close()
    source = module()
    for key, texts in table.items():
        assert len(texts) == 2, key
        assert all(texts), key
        placeholders = [sorted(set(re.findall(r"\{\w+\}", text))) for text in texts]
        assert placeholders[0] == placeholders[1], key
        made = re.sub(r"^(\w+?)_(title|story|question|why|answer\d)$", r"_\2", key)
        made = re.sub(r"^(tab|arrow|show|zero|key|line|status)_\w+$", r"\1_", made)
        assert made in source.replace("_answer${i}", "_answer0 _answer1 _answer2"), key


def test_its_size() -> None:
    content = module().encode()
    assert len(content) <= 120_000
    assert len(gzip.compress(content, 9)) <= 40_000
