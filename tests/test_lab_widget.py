"""`gl.Lab`, and what the lab opens with: settings, a run, a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import PARTS, run, serve_parts
from numpy.testing import assert_allclose
from playwright.sync_api import Browser, Page

import gradline as gl
from gradline.errors import OptionError
from gradline.lab.bundle import module, page
from gradline.lab.opening import SETTINGS, opening_of_run, opening_of_table

HOST = """
async ([text, values]) => {
  const source = URL.createObjectURL(new Blob([text], {type: "text/javascript"})), heard = {};
  const {default: widget} = await import(source);
  window.sent = [];
  window.model = {
    values, get: (name) => values[name], set: (name, value) => { values[name] = value; },
    on: (name, listener) => { heard[name] = listener; }, off: (name) => { delete heard[name]; },
    save_changes: () => { window.saved = (window.saved ?? 0) + 1; }, send: (message) => sent.push(message),
  };
  window.tell = (name, ...rest) => heard[name](...rest);
  const shadow = document.body.attachShadow({mode: "open"}), el = document.createElement("div");
  window.close_ = widget.render({model, el});  // before it is in the page, as JupyterLab does
  await new Promise((later) => setTimeout(later, 100));
  shadow.append(el);  // as marimo does
}
"""


@pytest.fixture
def hosted(browser: Browser) -> Any:
    """A page that speaks anywidget's protocol, the widget within a shadow root."""
    page = browser.new_page()
    serve_parts(page)

    def open_(lab: gl.Lab) -> Page:
        values = {name: getattr(lab, name) for name in ("template", "address", "given", "lang", "settings", "result")}
        page.evaluate(HOST, [module(), values])
        page.wait_for_function("() => window.saved")
        return page

    yield open_
    page.close()


def test_what_is_moved_in_the_page_is_told(hosted: Any) -> None:
    page = hosted(gl.Lab(lr=0.02, noise=1))
    assert page.evaluate("model.values.settings.lr") == 0.02
    page.locator(".control.lr input[type=range]").press("ArrowLeft")
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_function("() => model.values.result.step === 1 && model.values.settings.lr < 0.02")
    assert set(page.evaluate("model.values.settings")) >= set(SETTINGS)
    assert "step=1" in page.evaluate("model.values.address")
    page.evaluate("() => { model.values.address = 'lr=0.03&step=4'; tell('change:address'); }")
    page.wait_for_function("() => model.values.result.step === 4")
    page.evaluate("close_()")
    assert page.locator(".panel").count() == 0


def test_pictures_have_their_colours_once_the_widget_is_in_the_page(hosted: Any) -> None:
    page = hosted(gl.Lab(noise=1))
    page.wait_for_timeout(300)
    shades = page.evaluate(
        """() => [...document.body.shadowRoot.querySelectorAll("canvas")].map((canvas) => {
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
          for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data.slice(i, i + 3).join());
          return seen.size;
        })"""
    )
    assert min(shades) > 3  # a colour that is none leaves black


def test_a_notebook_asks_pytorch(hosted: Any) -> None:
    lab = gl.Lab(noise=1, epochs=30)
    said: list[dict[str, Any]] = []
    page = hosted(lab)
    page.get_by_role("button", name="Check with PyTorch").click()
    page.wait_for_function("() => sent.length")
    (message,) = page.evaluate("sent")
    lab.send = said.append  # what goes over the wire
    lab._asked(lab, message, [])
    page.evaluate("message => tell('msg:custom', message)", said[0])
    page.wait_for_function("() => document.body.shadowRoot.querySelector('.note').textContent.includes('30 steps')")
    lab._asked(lab, {"verify": {"x": "code"}, "id": 7}, [])
    assert said[1]["id"] == 7
    assert "list of up to 2000 numbers" in said[1]["error"]


def test_a_notebook_saves_the_page_that_the_program_would(hosted: Any, tmp_path: Path) -> None:
    lab = gl.Lab(lr=0.02, noise=1)
    page = hosted(lab)
    page.locator(".menu summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="This page, offline").click()
    saved, exported = tmp_path / "saved.html", tmp_path / "exported.html"
    download.value.save_as(exported)
    lab.save(saved)
    ours, theirs = (path.read_text(encoding="utf-8").splitlines() for path in (saved, exported))
    assert len(ours) == len(theirs)
    (state,) = [number for number, line in enumerate(ours) if "gradline-given" in line and "<script" in line]
    assert ours[:state] + ours[state + 1 :] == theirs[:state] + theirs[state + 1 :]
    assert "noise=1&lr=0.02" in theirs[state]


def test_settings_are_the_pages(browser: Browser) -> None:
    page = browser.new_page()
    serve_parts(page)
    assert run(page, "engine/settings", "return Object.keys(part.SETTINGS);") == list(SETTINGS)
    page.close()
    with pytest.raises(OptionError, match="no setting 'rate'"):
        gl.Lab(rate=1)
    with pytest.raises(OptionError, match="lang must"):
        gl.Lab(lang="fr")
    with pytest.raises(OptionError, match="takes a Run; list arrived"):
        gl.Lab([1, 2])
    with pytest.raises(OptionError, match="go without a run"):
        gl.Lab(gl.train([[1.0], [2.0]], [1.0, 2.0], epochs=1, lr=0.01), lr=1)


OPENED = """
const {fromAddress} = await import("http://parts.test/engine/settings.js");
const session = new part.Session({...fromAddress(argument.address, []), lesson: ""}, argument.given);
const {trace, exact, problem} = session;
return {theta: [...trace.theta.subarray(trace.steps * trace.p)].slice(0, trace.p), full: [...trace.full], exact,
        steps: trace.steps, drawn: problem.x.length};
"""


def opened(browser: Browser, opening: Any) -> dict[str, Any]:
    page = browser.new_page()
    serve_parts(page)
    found = run(page, "engine/session", OPENED, {"address": opening.address, "given": opening.given})
    page.close()
    return found


@pytest.mark.parametrize("options", [{}, {"momentum": 0.8}, {"zero_grad": False, "lr": 0.002}, {"reduction": "sum"}])
def test_a_run_of_one_feature_is_trained_the_same(browser: Browser, options: dict[str, Any]) -> None:
    x, y = gl.line(n=50, seed=3)
    options = {"lr": 0.01} | options
    if options.get("reduction") == "sum":
        options["lr"] /= 50
    trained = gl.train(x.double(), y.double(), epochs=80, seed=1, **options)
    opening = opening_of_run(trained)
    assert opening.given is None
    ours = opened(browser, opening)
    assert_allclose(ours["full"][:-1], trained.history.loss, rtol=1e-9)
    assert_allclose(ours["theta"], [trained.weight[0], trained.bias], rtol=1e-9)


def test_a_table_of_several_features(browser: Browser, penguins: Path) -> None:
    features = ["flipper_length_mm", "bill_length_mm", "bill_depth_mm"]
    opening = opening_of_table(str(penguins), "body_mass_g", features)
    assert opening.given is not None
    ours = opened(browser, opening)
    fit = gl.fit(str(penguins), target="body_mass_g", features=features)
    trained = gl.train(str(penguins), target="body_mass_g", features=features, lr="auto", seed=0)
    assert_allclose(ours["exact"], [*fit.coef, fit.intercept], rtol=1e-9)
    assert_allclose(ours["full"][:-1], trained.history.loss, rtol=1e-8)
    assert ours["drawn"] == 342


def test_the_chosen_plane_is_in_the_address(browser: Browser, penguins: Path, tmp_path: Path) -> None:
    features = ["flipper_length_mm", "bill_length_mm", "bill_depth_mm"]
    opening = opening_of_table(str(penguins), "body_mass_g", features)
    path = tmp_path / "lab.html"
    path.write_text(page({"address": opening.address, "given": opening.given}), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    tab.get_by_role("combobox", name="Parameter to the right").select_option("1")
    tab.wait_for_function("() => location.hash.includes('plane=1-3')")
    other = browser.new_page()
    other.goto(tab.url)
    values = "() => [...document.querySelectorAll('.surface select')].map(({value}) => value)"
    assert tab.evaluate(values) == other.evaluate(values) == ["1", "3"]
    other.goto(f"{path.as_uri()}#plane=9-9")
    other.reload()
    assert other.evaluate(values) == ["0", "3"]
    # A start is not set there, and residuals are those of one feature.
    before = tab.locator(".status").inner_text()
    tab.locator(".surface canvas").click(position={"x": 120, "y": 60})
    assert tab.locator(".status").inner_text() == before
    assert tab.locator(".data .toggles label").count() == 1
    tab.close()
    other.close()


def test_2000_of_many_rows_are_drawn_and_all_count(browser: Browser) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150_001, 1))
    y = 3 * x[:, 0] + rng.normal(size=150_001)
    opening = opening_of_run(gl.train(x, y, epochs=20, lr=0.1))
    ours = opened(browser, opening)
    fit = gl.fit(x, y)
    assert 1900 < ours["drawn"] <= 2000
    assert_allclose(ours["exact"], [fit.coef[0], fit.intercept], rtol=1e-10)
    assert opening.given is not None
    assert_allclose(opening.given["columns"][0][-1], x[::76][-1, 0], rtol=1e-6)


def test_a_run_without_rows_shows_its_line(browser: Browser, tmp_path: Path) -> None:
    x, y = gl.line(seed=0)
    trained = gl.Moments.of(x, target=y).train(lr=0.01, epochs=10, seed=0)
    lab = gl.Lab(trained)
    lab.save(tmp_path / "lab.html")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "lab.html").as_uri() + "#step=3&lang=en")
    assert "100 rows, 0 of them drawn" in page.inner_text(".readout")
    page.get_by_role("button", name="Line", exact=True).click()
    page.close()
    assert errors == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"nesterov": True, "momentum": 0.5}, "nesterov"),
        ({"weight_decay": 0.1}, "weight_decay"),
        ({"loss": "l1"}, "loss l1"),
        ({"optimizer": "adam"}, "adam"),
        ({"standardize": True}, "standardize"),
        ({"average": 2}, "average"),
    ],
)
def test_what_the_lab_does_not_show_is_said(options: dict[str, Any], complaint: str) -> None:
    x, y = gl.line(n=20, seed=0)
    with pytest.raises(OptionError, match=complaint):
        gl.Lab(gl.train(x, y, epochs=3, lr=0.001, seed=0, **options))


def test_names_with_markup_stay_text(browser: Browser, tmp_path: Path) -> None:
    name = "</script><img src=x onerror=alert(1)>{{module}}"
    table = {name: [1.0, 2.0, 4.0, 5.0], "b": [1.0, 0.0, 1.0, 3.0], "<i>y": [1.0, 2.0, 3.0, 5.0]}
    import pandas as pd

    opening = opening_of_table(pd.DataFrame(table), "<i>y")
    (tmp_path / "lab.html").write_text(page({"address": opening.address, "given": opening.given}), encoding="utf-8")
    shown = browser.new_page()
    shown.goto((tmp_path / "lab.html").as_uri())
    assert name in shown.inner_text(".data .formula")
    assert shown.locator("img").count() == 0
    shown.close()
    assert json.dumps(opening.given)


def test_parts_import_what_they_name(browser: Browser) -> None:
    """Each source file stands on its own imports; the module has no such check."""
    from gradline.lab.bundle import PARTS as NAMES

    page = browser.new_page()
    serve_parts(page)
    for name in NAMES:
        if name not in ("view/lab", "view/hosts"):  # these use the style sheet, which the module brings
            assert page.evaluate(f"import('{PARTS}{name}.js').then(() => true)")
    page.close()
