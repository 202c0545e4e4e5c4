"""The lab's engine beside PyTorch: random numbers to the bit, traces to 1e-10, limits where training really turns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from browser import run, serve_parts
from numpy.testing import assert_allclose
from playwright.sync_api import Browser, Page
from scipy import stats
from torch import nn

import gradline as gl


@pytest.fixture(scope="module")
def parts(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    serve_parts(page)
    yield page
    page.close()


DRAWN = """
const bits = part.generator(argument.seed), n = argument.n;
return [part.uniform(bits, n), part.uniform(bits, n, -10, 10), part.normal(bits, n), part.linear(bits),
        part.permutation(bits, n)].map((values) => [...values]);
"""


@pytest.mark.parametrize("n", [1, 5, 15, 16, 37, 100, 1000])
@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
def test_random_numbers_are_torchs(parts: Page, seed: int, n: int) -> None:
    rand, uniform, normal, linear, order = run(parts, "engine/random", DRAWN, {"seed": seed, "n": n})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        assert rand == torch.rand(n).tolist()
        assert uniform == nn.init.uniform_(torch.zeros(n), -10, 10).tolist()
        # torch's vectorised logarithm and cosine are good to about 4e-7 of a number below 4
        assert_allclose(normal, nn.init.normal_(torch.zeros(n), std=1).numpy(), atol=3e-6)
        model = nn.Linear(1, 1)
        assert linear == [model.weight.item(), model.bias.item()]
        assert order == torch.randperm(n).tolist()


SETTINGS = {"seed": 0, "epochs": 30, "noise": 1.0, "lr": 0.01, "momentum": 0.0, "zero": "top", "batch": 0}
PLACES = ("top", "before", "between", "after", "off")
GRID = [
    SETTINGS | {"seed": seed, "lr": lr, "momentum": momentum, "zero": zero, "batch": batch, "reduction": reduction}
    for seed, lr, momentum, zero, batch, reduction in itertools.product(
        (0, 7), (0.001, 0.0291, 0.05), (0.0, 0.9), PLACES, (0, 32), ("mean", "sum")
    )
] + [
    SETTINGS | {"batch": 1, "epochs": 3, "reduction": "mean"},
    SETTINGS | {"center": True, "reduction": "sum", "lr": 1e-4},
]

TRACED = """
const {defaults} = await import("http://parts.test/engine/settings.js");
const {problemOf} = await import("http://parts.test/engine/data.js");
return argument.map(([given, changes]) => {
  const settings = {...defaults(), ...given}, problem = problemOf(settings, null, false);
  const {lr, momentum, zero} = settings;
  const trace = part.descend(problem, settings, [{from: 0, lr, momentum, zero}, ...changes]);
  const until = (table, k) => [...table.subarray(0, k)];
  return {
    x: [...problem.x], y: [...problem.y], start: problem.start, steps: trace.steps, lost: trace.lost,
    loss: until(trace.loss, trace.steps), theta: until(trace.theta, 2 * trace.steps + 2),
    grad: until(trace.held, 2 * trace.steps), full: until(trace.full, trace.steps + 1),
  };
});
"""


def in_torch(case: dict[str, Any], ours: dict[str, Any], changes: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
    """Losses, parameters and gradients of the loop as a person writes it, in float64."""
    x, y = (torch.tensor(ours[name], dtype=torch.float64).unsqueeze(1) for name in "xy")
    model = nn.Linear(1, 1).double()
    with torch.no_grad():
        model.weight.fill_(ours["start"][0])
        model.bias.fill_(ours["start"][1])
    optimizer = torch.optim.SGD(model.parameters(), lr=case["lr"], momentum=case["momentum"])
    loss_fn = nn.MSELoss(reduction=case["reduction"])
    order = torch.Generator().manual_seed(case["seed"])
    batches = (
        rows
        for _ in range(case["epochs"])
        for rows in (torch.randperm(len(x), generator=order).split(case["batch"]) if case["batch"] else [slice(None)])
    )
    losses, thetas, grads, zero = [], [[model.weight.item(), model.bias.item()]], [], case["zero"]
    for step, rows in zip(range(ours["steps"]), batches, strict=False):
        for change in changes:
            if change["from"] == step:
                optimizer.param_groups[0].update(lr=change["lr"], momentum=change["momentum"])
                zero = change["zero"]
        if zero == "top":
            optimizer.zero_grad()
        loss = loss_fn(model(x[rows]), y[rows])
        if zero == "before":
            optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        grads.append([model.weight.grad.item(), model.bias.grad.item()])
        if zero == "between":
            optimizer.zero_grad()
        optimizer.step()
        if zero == "after":
            optimizer.zero_grad()
        thetas.append([model.weight.item(), model.bias.item()])
    return np.array(losses), np.array(thetas), np.array(grads)


def agree(case: dict[str, Any], ours: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    assert ours["steps"] > 0
    for theirs, name in zip(in_torch(case, ours, changes), ("loss", "theta", "grad"), strict=True):
        # relative, and absolute below 1: a loss near 0 is a difference of numbers near 1
        assert_allclose(np.reshape(ours[name], theirs.shape), theirs, 1e-10, 1e-10, err_msg=f"{name} {case}")


def test_traces_are_torchs(parts: Page) -> None:
    for case, ours in zip(GRID, run(parts, "engine/descent", TRACED, [[case, []] for case in GRID]), strict=True):
        agree(case, ours, [])


def test_changes_on_the_way_are_torchs(parts: Page) -> None:
    changes = [
        {"from": 5, "lr": 0.02, "momentum": 0.9, "zero": "off"},
        {"from": 9, "lr": 0.005, "momentum": 0.0, "zero": "between"},
        {"from": 12, "lr": 0.005, "momentum": 0.5, "zero": "after"},
        {"from": 20, "lr": 0.01, "momentum": 0.5, "zero": "before"},
    ]
    case = SETTINGS | {"reduction": "mean"}
    (ours,) = run(parts, "engine/descent", TRACED, [[case, changes]])
    agree(case, ours, changes)


def test_the_page_and_the_command_line_train_the_same_run(parts: Page) -> None:
    """The notebook's numbers: x, then noise, then the model are drawn from one seed."""
    (ours,) = run(parts, "engine/descent", TRACED, [[{}, []]])
    assert round(ours["loss"][0], 3) == 274.187  # `gradline demo` says so too
    x, _ = gl.line(noise=0.0, seed=0)
    assert ours["x"] == x.flatten().tolist()
    learned = gl.train(x.double(), 2 * x.double() + 3, lr=0.01, epochs=500, init=ours["start"])
    assert_allclose(ours["loss"], learned.history.loss, rtol=1e-9, atol=1e-10)


def test_forgetting_zero_grad_is_momentum_1(parts: Page) -> None:
    cases = [[{"zero": "off"}, []], [{"zero": "top", "momentum": 1.0}, []]]
    off, full = run(parts, "engine/descent", TRACED, cases)
    assert off["loss"] == full["loss"]


LIMITS = """
const {defaults} = await import("http://parts.test/engine/settings.js");
const {problemOf} = await import("http://parts.test/engine/data.js");
const settings = {...defaults(), ...argument}, {moments} = problemOf(settings, null, false);
return part.stability(moments, settings);
"""


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("momentum", "zero"), [(0.0, "top"), (0.5, "top"), (0.9, "after"), (0.0, "off")])
def test_training_turns_at_the_limit(parts: Page, momentum: float, zero: str, reduction: str) -> None:
    case = {"momentum": momentum, "zero": zero, "reduction": reduction, "epochs": 5000, "noise": 1}
    limit = run(parts, "engine/exact", LIMITS, case)["limit"]
    below, above = run(
        parts, "engine/descent", TRACED, [[case | {"lr": limit * factor}, []] for factor in (0.999, 1.001)]
    )
    assert max(below["full"]) < 1e4 * below["full"][0]
    assert above["full"][-1] > 1e2 * above["full"][0]
    if zero != "off":
        assert below["full"][-1] < below["full"][0]


def test_limits_are_gradlines(parts: Page) -> None:
    ours = run(parts, "engine/exact", LIMITS, {"noise": 1})
    theirs = gl.stability(*gl.line(seed=0))
    assert_allclose([ours["limit"], ours["best"]], [theirs.lr_limit, theirs.lr_best], rtol=1e-6)


def test_the_band_is_the_fits(parts: Page) -> None:
    body = """
    const {problemOf} = await import("http://parts.test/engine/data.js");
    const {defaults} = await import("http://parts.test/engine/settings.js");
    const {x, y, moments} = problemOf({...defaults(), noise: 1, n: 30}, null, false);
    const half = part.bandAt(moments, 4, part.studentQuantile(0.975, 28));
    return {x: [...x], y: [...y], exact: part.exactOf(moments), half};
    """
    ours = run(parts, "engine/exact", body)
    fit = gl.fit(np.array(ours["x"])[:, None], ours["y"])
    assert_allclose(ours["exact"], [fit.coef[0], fit.intercept], rtol=1e-12)
    band = fit.predict(np.array([[4.0]]), interval="mean")
    assert_allclose(ours["half"], (band.upper[0] - band.lower[0]) / 2, rtol=1e-9)


def test_students_quantile(parts: Page) -> None:
    freedom = [1, 2, 3, 4, 5, 28, 98, 1999, 2000, 5000, 10**6]
    ours = run(parts, "engine/exact", "return argument.map((f) => part.studentQuantile(0.975, f));", freedom)
    # beyond 2000 an expansion, good to a millionth
    assert_allclose(ours[:9], stats.t.ppf(0.975, freedom[:9]), rtol=1e-11)
    assert_allclose(ours[9:], stats.t.ppf(0.975, freedom[9:]), rtol=1e-6)


def test_an_address_keeps_a_state(parts: Page) -> None:
    body = """
    const state = part.fromAddress(argument, ["lang"]);
    return [state.error, state.error ? null : part.toAddress(state)];
    """

    def there_and_back(address: str) -> list[Any]:
        return run(parts, "engine/settings", body, address)

    for address in (
        "",
        "seed=7&noise=1.5&on=y&center=1&lr=0.02&batch=10&reduction=sum&zero=off&epochs=20&init=0.5,-1&step=3&line=2",
        "points=1,2;3,4.5;-1e-7,2&from=4,0.02,0.5,after;9,0.1,0,top&lang=ko",
        "own=1,2;3,4",
    ):
        assert there_and_back(address) == [None, address]
    for address, culprit in (
        ("lr=fast", "lr"),
        ("lr=-1", "lr"),
        ("lr=1e999", "lr"),
        ("n=2.5", "n"),
        ("low=5&high=1", "high"),
        ("points=1,2", "points"),
        ("points=1,2;3,<b>", "points"),
        ("from=4,0.02", "from"),
        ("from=9,0.1,0,top;4,0.1,0,top", "from"),
        ("step=-1", "step"),
        ("init=1,2,3", "init"),
        ("__proto__=1", "__proto__"),
        ("constructor=1", "constructor"),
        ("lang=%E0%A4%A", "lang"),
        ("lr", "lr"),
    ):
        assert there_and_back(address) == [culprit, None]


def test_pasted_points(parts: Page) -> None:
    def points(text: str) -> Any:
        return run(parts, "engine/data", "return part.pointsOf(argument);", text)

    expected = {"points": [[1, 2], [3, -4.5]], "left": 0}
    for text in ("x,y\n1,2\n3,-4.5\n", "1\t2\r\n3\t-4.5", "1; 2\n\n3 ;-4.5", "1 2\n3 -4.5e0"):
        assert points(text) == expected
    assert points("x,y\n1,2\n<b>,3\n5\n3,-4.5\n") == expected | {"left": 2}
    assert points("<script>alert(1)</script>")["points"] == []
    many = points("".join(f"{i},{i}\n" for i in range(2500)))
    assert len(many["points"]) == 2000
    assert many["left"] == 500
