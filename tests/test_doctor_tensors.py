"""The doctor on losses that broadcast, on detached tensors and on whole numbers.

Each as a learner writes it; the line to change is marked `# here`.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from doctor_loops import Loop, Mistakes, assert_named, batches, line, linear, mlp, table
from torch import nn
from torch.nn import functional as F  # noqa: N812

mistake = Mistakes()


# 3 -- a loss that broadcasts -----------------------------------------------------------------------------------


@mistake("broadcast", "model(x) - y.unsqueeze(1)")
def a_flat_target_in_a_loss_by_hand() -> None:
    x, y = line()
    y = y[:, 0]
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()  # here
        loss.backward()
        optimizer.step()


@mistake("broadcast", "loss_fn(model(x), y.unsqueeze(1))")
def a_flat_target_in_mse_loss() -> None:
    x, y = table()
    y = y.flatten()
    model, loss_fn = linear(3), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)  # here
        loss.backward()
        optimizer.step()


@mistake("broadcast", "yb.unsqueeze(1) - pred")
def a_flat_target_in_batches_target_first() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    for xb, yb in batches(x, y[:, 0], 16):
        pred = model(xb)
        loss = torch.mean((yb - pred) ** 2)  # here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("broadcast", "pred - y.squeeze(1)")
def a_flat_prediction_and_a_sum() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
    for _ in range(5):
        pred = model(x).squeeze()
        loss = (pred - y).pow(2).sum() / len(x)  # here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("broadcast", "F.huber_loss(model(x), y.unsqueeze(1))")
def a_flat_target_in_huber_loss() -> None:
    x, y = table()
    y = y.reshape(-1)
    model = linear(3)
    optimizer = torch.optim.RMSprop(model.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        F.huber_loss(model(x), y).backward()  # here
        optimizer.step()


# 4 -- detached tensors and whole numbers ------------------------------------------------------------------------


@mistake("detached", "model(x), without .detach()")
def a_detached_prediction() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        pred = model(x).detach()  # here
        loss = ((pred - y) ** 2).mean()
        loss.backward()
        optimizer.step()


@mistake("detached", "pred, without torch.tensor()")
def a_prediction_copied_and_made_to_require_grad() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        pred = model(x)
        pred = torch.tensor(pred, requires_grad=True)  # here
        loss = nn.MSELoss()(pred, y)
        loss.backward()
        optimizer.step()


@mistake("detached", "model(x), without .detach()")
def an_error_silenced_by_requires_grad() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        pred = model(x).detach()  # here
        loss = nn.MSELoss()(pred, y)
        loss.requires_grad = True
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("detached", "loss, without .item()")
def a_loss_turned_into_a_number() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    for xb, yb in batches(x, y, 16):
        loss = nn.MSELoss()(model(xb), yb)
        loss = torch.tensor(loss.item(), requires_grad=True)  # here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("detached", "model(x), without .data")
def the_data_of_a_prediction() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    optimizer.zero_grad()
    pred = model(x).data  # here
    loss = nn.MSELoss()(pred, y)
    loss.backward()
    optimizer.step()


@mistake("detached", "the forward pass outside torch.no_grad()")
def a_forward_pass_without_gradients() -> None:
    x, y = line()
    model = linear()
    with torch.no_grad():
        pred = model(x)  # here
    loss = nn.MSELoss()(pred, y)
    loss.backward()


@mistake("detached", "the forward pass outside torch.no_grad()")
def a_loss_that_was_made_to_ask_for_gradients() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        with torch.no_grad():
            pred = model(x)  # here
        loss = ((pred - y) ** 2).mean()
        loss.requires_grad = True
        loss.backward()
        optimizer.step()


@mistake("detached", "model.requires_grad_(True)")
def a_frozen_model() -> None:
    x, y = line()
    model = linear().requires_grad_(False)
    loss = nn.MSELoss()(model(x), y)
    loss.backward()  # here


@mistake("detached", "model(x), as it was")
def a_rounded_prediction() -> None:
    x, y = line()
    model = linear()
    pred = model(x).long()  # here
    loss = ((pred - y) ** 2).mean()
    loss.backward()


@mistake("integer", "model(x.float())")
def whole_numbers_as_features() -> None:
    x = torch.arange(10).unsqueeze(1)
    y = 2.0 * x + 3
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    optimizer.zero_grad()
    loss = nn.MSELoss()(model(x), y)  # here
    loss.backward()
    optimizer.step()


@mistake("integer", "loss_fn(model(x), y.float())")
def a_target_cut_to_whole_numbers() -> None:
    x, y = table()
    y = y.long()
    model, loss_fn = linear(3), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)  # here
        loss.backward()
        optimizer.step()


@mistake("integer", "pred - yb.float()")
def whole_targets_in_a_loss_by_hand() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for xb, yb in batches(x, y.int(), 16):
        optimizer.zero_grad()
        pred = model(xb)
        loss = ((pred - yb) ** 2).mean()  # here
        loss.backward()
        optimizer.step()


@mistake("another-dtype", "model(x.float())")
def numpy_features_in_float64() -> None:
    x = torch.from_numpy(np.linspace(-1, 1, 50)[:, None])
    model = linear()
    loss = ((model(x) - x) ** 2).mean()  # here
    loss.backward()


@pytest.mark.parametrize(("kind", "write", "loop"), mistake, ids=mistake.names)
def test_the_doctor_names_the_line(kind: str, write: str, loop: Loop) -> None:
    assert_named(kind, write, loop)
