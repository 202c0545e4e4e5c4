"""The loop in several processes is that of one to 1e-12."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradline as gl
from gradline.descent import together

RNG = np.random.default_rng(0)
X = RNG.normal(size=(501, 3))
Y = X @ np.array([[1.0, -1.0], [2.0, 0.5], [3.0, 0.0]]) + 1 + RNG.normal(size=(501, 2))
WEIGHTS = RNG.uniform(size=501)

OPTIONS: dict[str, dict[str, Any]] = {
    "all rows": {},
    "batches, the last of one row": {"batch_size": 100},
    "LBFGS, whose step computes the loss again": {"optimizer": "lbfgs", "lr": 1.0, "epochs": 3},
    "weights and a sum": {"reduction": "sum", "lr": 1e-4, "weights": WEIGHTS, "batch_size": 250},
    "gradients that add up": {"zero_grad": False, "epochs": 4},
}


def alike(one: gl.Run, other: gl.Run) -> None:
    np.testing.assert_allclose(other.weight, one.weight, rtol=1e-12)
    np.testing.assert_allclose(other.bias, one.bias, rtol=1e-12)
    np.testing.assert_allclose(other.history.loss, one.history.loss, rtol=1e-12)


@pytest.mark.parametrize("case", OPTIONS)
def test_three_processes_are_one(case: str) -> None:
    options = {"epochs": 10, "lr": 0.1, "seed": 0} | OPTIONS[case]
    alike(gl.train(X, Y, engine="autograd", **options), gl.train(X, Y, processes=3, **options))


def test_without_a_seed_processes_draw_alike() -> None:
    torch.manual_seed(3)
    one = gl.train(X, Y, engine="autograd", epochs=3, batch_size=64)
    torch.manual_seed(3)
    alike(one, gl.train(X, Y, processes=2, epochs=3, batch_size=64))


PROGRAM = """
import sys
import numpy as np
import torch
import gradline as gl
torch.distributed.init_process_group("gloo")
given = np.load(sys.argv[1])
run = gl.train(given["x"], given["y"], seed=1, epochs=5, batch_size=200, processes="group")
np.savez(f"{sys.argv[1]}-{torch.distributed.get_rank()}", weight=run.weight, bias=run.bias, loss=run.history.loss)
torch.distributed.barrier()  # gloo may abort a process whose peer is gone
torch.distributed.destroy_process_group()
"""


def test_a_group_that_torchrun_started(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    np.savez(tmp_path / "given.npz", x=X, y=Y)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    command += ["--nproc-per-node=2", str(tmp_path / "program.py"), str(tmp_path / "given.npz")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    if sys.platform == "linux":
        environment["GLOO_SOCKET_IFNAME"] = "lo"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    one = gl.train(X, Y, seed=1, epochs=5, batch_size=200, engine="autograd")
    for rank in range(2):
        found = np.load(tmp_path / f"given.npz-{rank}.npz")
        np.testing.assert_allclose(found["weight"], one.weight, rtol=1e-12)
        np.testing.assert_allclose(found["bias"], one.bias, rtol=1e-12)
        np.testing.assert_allclose(found["loss"], one.history.loss, rtol=1e-12)


def test_a_lost_process_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def remembered(*given: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(start(*given, **options))
        return started[-1]

    monkeypatch.setattr(together.subprocess, "Popen", remembered)
    with pytest.raises(gl.OptionError, match=r"process 1 of 2 was lost in the middle of training \(exit code -9\)"):
        gl.train(X, Y, processes=2, epochs=10**4, batch_size=50, lr=1e-6, progress=lambda *done: started[0].kill())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"processes": 0}, "processes must be a whole number of 1 or more, or 'group'; 0 arrived"),
        ({"processes": "all"}, "or 'group'; 'all' arrived"),
        ({"processes": "group"}, "there is none.\nStart with torchrun"),
        ({"processes": 2, "loss": lambda pred, target: ((pred - target) ** 2).mean()}, "only the whole is known"),
        ({"processes": 2, "lr_schedule": lambda epoch: 1.0}, "other processes cannot be sent these options"),
        ({"processes": 2, "callback": print}, "a function cannot see several processes"),
        ({"processes": 2, "engine": "minibatch"}, "processes=2 arrived"),
        ({"processes": 2, "device": "cuda"}, "processes= is for the CPU"),
    ],
)
def test_what_processes_cannot_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(gl.OptionError) as caught:
        gl.train(X, Y, seed=0, **options)
    assert message.replace("'group'", '"group"') in str(caught.value)
