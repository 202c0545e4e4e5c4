"""pose: what a request means, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from gradline.design.block import Block
from gradline.design.polynomial import polynomial
from gradline.design.problem import Problem, pose
from gradline.errors import ColumnError, DataError, OptionError, ShapeError
from gradline.sources import CHUNK
from gradline.sources.columns import Held

X = np.array([[1.0, 2.0], [3.0, 5.0], [8.0, 13.0]])
Y = np.array([1.0, 4.0, 9.0])
DF = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y, "s": ["u", "v", "w"]})
NUMBERS = DF.drop(columns="s")


def only(problem: Problem) -> Block:
    [block] = problem.blocks()
    return block


def names(problem: Problem) -> list[str]:
    return [term.name for term in problem.terms]


@pytest.mark.parametrize(
    "target",
    [
        Y,
        Y[:, None],
        Y.tolist(),
        Y[:, None].tolist(),
        torch.tensor(Y),
        torch.tensor(Y)[:, None],
        pd.Series(Y),
        pd.Series(Y, name="y"),
        pd.DataFrame({"y": Y}),
        pl.Series(Y),
        pl.DataFrame({"y": Y}),
        pl.LazyFrame({"y": Y}),
        pa.array(Y),
        pa.table({"y": Y}),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
@pytest.mark.parametrize(
    "data", [X, torch.tensor(X), pd.DataFrame(X), pl.DataFrame(X)], ids=lambda x: type(x).__name__
)
def test_one_target_in_any_form_is_the_same(data: Any, target: Any) -> None:
    problem = pose(data, target)
    assert problem.targets == ("y",)
    assert problem.single_target
    assert [column.tolist() for column in only(problem).hi] == [[1, 3, 8], [2, 5, 13], Y.tolist()]
    assert len(names(problem)) == 2


def test_a_target_and_features_by_name() -> None:
    assert names(pose(NUMBERS, "y")) == ["a", "b"]
    problem = pose(DF, "y", features=["b", "a"])
    assert names(problem) == ["b", "a"]
    assert [column.tolist() for column in only(problem).hi] == [[2, 5, 13], [1, 3, 8], Y.tolist()]
    assert names(pose(DF, "y", features="b")) == ["b"]
    assert names(pose(DF, DF["y"], features="b")) == ["b"]


def test_several_targets() -> None:
    for problem in (pose(NUMBERS, ["y", "b"]), pose(NUMBERS[["a"]], NUMBERS[["y", "b"]])):
        assert problem.targets == ("y", "b")
        assert not problem.single_target
        assert names(problem) == ["a"]
    assert pose(X, X).targets == ("y1", "y2")


def test_paths(penguins: Path) -> None:
    problem = pose(penguins, "body_mass_g", features=["year"], where="year = 2008")
    assert len(only(problem).hi[0]) == 114
    assert problem.epsilon == (2.0**-52, 2.0**-52)


def test_values_beside_a_path(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n2\n")
    assert [column.tolist() for column in only(pose(tmp_path / "t.csv", [3, 4])).hi] == [[1, 2], [3, 4]]
    with pytest.raises(ShapeError, match=r"'y' has shape \(3,\)"):
        list(pose(tmp_path / "t.csv", [3, 4, 5]).blocks())


def test_weights() -> None:
    for problem in (
        pose(NUMBERS, "y", weights="b"),
        pose(NUMBERS[["a"]], Y, weights=X[:, 1]),
        pose(X[:, 0], Y, weights=X[:, 1:]),
        pose(NUMBERS[["a"]], Y, weights=NUMBERS["b"]),
    ):
        block = only(problem)
        assert block.weights is not None
        assert block.weights.tolist() == [2, 5, 13]
        assert len(block.hi) == 2
    assert only(pose(X, Y)).weights is None


def test_a_column_that_is_called_weights_is_not_overwritten() -> None:
    problem = pose(pd.DataFrame({"weights": X[:, 0]}), Y, weights=X[:, 1])
    assert [column.tolist() for column in only(problem).hi] == [[1, 3, 8], Y.tolist()]
    assert only(problem).weights.tolist() == [2, 5, 13]


def test_a_nameless_target_gives_way_to_a_column_called_y() -> None:
    for target in (Y * 2, pd.Series(Y * 2)):
        problem = pose(NUMBERS, target)
        assert names(problem) == ["a", "b", "y"]
        assert [column.tolist() for column in only(problem).hi[2:]] == [Y.tolist(), (Y * 2).tolist()]


def test_polynomials() -> None:
    problem = pose(polynomial(X[:, 0], 3), Y, weights=X[:, 1])
    assert names(problem) == ["x", "x^2", "x^3"]
    assert only(problem).hi[2].tolist() == [1, 27, 512]
    assert names(pose(polynomial(DF["a"], 2), DF["y"])) == ["a", "a^2"]
    assert names(pose(polynomial(torch.tensor(X[:, :1]), 1), Y)) == ["x"]


@pytest.mark.parametrize("degree", [0, -1, 1.5, True, "2", None])
def test_degrees_that_are_none(degree: Any) -> None:
    with pytest.raises(OptionError, match="degree is"):
        polynomial(Y, degree)


def test_polynomials_that_cannot_be() -> None:
    with pytest.raises(ShapeError, match=r"shape \(3, 2\)"):
        polynomial(X, 2)
    with pytest.raises(OptionError, match="leave out features"):
        pose(polynomial(Y, 2), Y, features="x")
    with pytest.raises(OptionError, match="has no names"):
        pose(polynomial(Y, 2), "y")


def test_blocks_follow_the_chunks_and_can_be_read_again() -> None:
    n = 3 * CHUNK + 3
    x = np.arange(2.0 * n).reshape(n, 2)
    problem = pose(x, x[:, 0])
    for _ in range(2):
        blocks = list(problem.blocks())
        assert [block.first for block in blocks] == np.cumsum([0, *[len(block.hi[0]) for block in blocks]])[
            :-1
        ].tolist()
        assert sum(len(block.hi[0]) for block in blocks) == n
    assert all(np.shares_memory(block.hi[0], x) for block in problem.blocks())


def test_epsilon_of_terms_and_targets() -> None:
    single = X.astype(np.float32)
    assert pose(single, Y).epsilon == (2.0**-23, 2.0**-23, 2.0**-52)
    assert pose(polynomial(single[:, 0], 2), Y.astype(np.float16)).epsilon == (2.0**-23, 2.0**-52, 2.0**-10)


def test_large_whole_numbers_in_the_target() -> None:
    block = only(pose(Y, np.array([2**53 + 1, 1, 2])))
    assert int(block.hi[1][0]) + int(block.lo[1][0]) == 2**53 + 1


def test_an_intercept_alone_is_a_model() -> None:
    problem = pose(DF[["y"]], "y")
    assert problem.terms == ()
    assert len(only(problem).hi) == 1
    assert len(only(pose(np.zeros((3, 0)), Y)).hi[0]) == 3


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "words"),
    [
        ((X, Y[:2]), {}, ShapeError, r"target has 2 rows and the features have 3: shapes \(2,\) and \(3, 2\)"),
        ((X, Y[None, :]), {}, ShapeError, r"shapes \(1, 3\) and \(3, 2\)\.\n.*transpose"),
        ((X, np.zeros((3, 0))), {}, ShapeError, r"target has shape \(3, 0\) and the features have \(3, 2\)"),
        ((X, np.zeros((3, 1, 1))), {}, ShapeError, r"target has shape \(3, 1, 1\) and the features have \(3, 2\)"),
        ((X[:, 0], np.array(3.0)), {}, ShapeError, r"target has shape \(\) and the features have \(3,\)"),
        ((X, 3.0), {}, ShapeError, r"target has shape \(\) and .*\nExpected \(3,\) or \(3, 1\)"),
        ((X, ["a", "b", "c"]), {}, OptionError, "has no names"),
        ((X, "y"), {}, OptionError, "has no names"),
        ((X, Y), {"features": ["x9"]}, ColumnError, "no column 'x9'"),
        ((X, Y), {"weights": Y[:2]}, ShapeError, r"weights has 2 rows .*\(2,\) and \(3, 2\)"),
        ((X, Y), {"weights": X}, ShapeError, r"weights has shape \(3, 2\)"),
        ((X, Y), {"weights": "w"}, OptionError, "has no names"),
        ((X, None), {}, OptionError, r"no target: give its values beside the array, as in fit\(X, y\)"),
        (
            (DF, None),
            {},
            OptionError,
            r"no target: name a column of the DataFrame in target=, .*\ncolumns: a, b, y, s",
        ),
        ((DF, []), {}, OptionError, "target is empty: name a column of the DataFrame"),
        ((X,), {"formula": "y ~ x"}, OptionError, "an array has none"),
        ((DF, "y"), {}, ColumnError, "feature 's' in the DataFrame is text.*\n.*features=: a,b\nNamed in features="),
        ((DF, "Y"), {}, ColumnError, "no column 'Y' in the DataFrame. Did you mean 'y'"),
        ((DF, "s"), {"features": "a"}, ColumnError, "'s' .* is text"),
        ((DF, "y"), {"features": ["a", "y"]}, ColumnError, r"target 'y' is also a feature"),
        ((DF, "y"), {"features": ["a", "a"]}, ColumnError, "'a' is named 2 times"),
        ((DF, ["y", "y"]), {"features": "a"}, ColumnError, "'y' is named 2 times"),
        ((DF, "y"), {"features": ["aa"]}, ColumnError, "no column 'aa'.* Did you mean 'a'"),
        ((DF, "y"), {"features": [0]}, OptionError, "features holds 0"),
        ((DF, "y"), {"features": [], "intercept": False}, OptionError, "neither a feature nor an intercept"),
        ((DF, "y"), {"features": "a", "weights": "y"}, ColumnError, "'y' is the target and the weights"),
        ((DF, "y"), {"features": "a", "weights": "s"}, ColumnError, "'s' .* is text"),
        ((DF, "y"), {"features": "a", "weights": "bb"}, ColumnError, "no column 'bb'"),
        ((NUMBERS, NUMBERS["y"]), {}, ColumnError, "target 'y' is also a column of the DataFrame"),
        ((NUMBERS, NUMBERS["y"]), {"features": ["a", "y"]}, ColumnError, "target 'y' is also a column"),
        ((NUMBERS[["a"]], Y[:2]), {}, ShapeError, r"\(2,\) and \(3, 1\)"),
        ((NUMBERS[["a"]], NUMBERS["y"][::-1]), {}, DataError, "the target .* different indexes.*\nAlign"),
        ((NUMBERS, "y"), {"weights": NUMBERS["b"][::-1]}, DataError, "weights .* different indexes"),
        ((NUMBERS, "y"), {"formula": "y ~ a"}, OptionError, "leave out target"),
        ((NUMBERS,), {"formula": "y ~ a", "features": "a"}, OptionError, "leave out target"),
    ],
)
def test_refused(arguments: tuple[Any, ...], options: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        pose(*arguments, **options)
    assert type(caught.value) is kind
    assert "--" not in str(caught.value), "the command line has its own words for arguments"
    assert len(str(caught.value).splitlines()) <= 3


def test_a_condition_and_values_from_memory_do_not_go_together(penguins: Path) -> None:
    with pytest.raises(OptionError, match="where="):
        pose(penguins, np.ones(344), features="year", where="year > 2000")
    with pytest.raises(OptionError, match="where="):
        pose(penguins, "year", features="body_mass_g", weights=np.ones(344), where="year > 2000")


def test_the_hint_of_a_text_feature_is_true(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n1,2\nx,3\n3,4\n")
    words = r"feature 'a' .* is text.*\nBesides y no column is numeric.*\nNamed in features=, text becomes a category"
    with pytest.raises(ColumnError, match=words):
        pose(tmp_path / "t.csv", "y")
    with pytest.raises(ColumnError, match=r"feature 's'.*\n.*features=: a\n"):
        pose(DF, "y", weights="b")
    with pytest.raises(ColumnError, match=r"target 's'.*\nNo column is numeric"):
        pose(DF[["s"]], "s")


def test_the_target_is_looked_at_first(penguins: Path) -> None:
    words = r"target 'species' in .* is text .*\nnumeric columns, for target=: bill_length_mm"
    with pytest.raises(ColumnError, match=words):
        pose(penguins, "species")
    with pytest.raises(ColumnError, match=words):
        pose(penguins, formula="species ~ island")


@pytest.mark.parametrize("empty", [[], ()])
def test_an_empty_list_is_named_as_one(empty: Any) -> None:
    for request in ({"target": "y"}, {"target": []}, {"formula": "y ~ x"}):
        with pytest.raises(DataError, match="the table is an empty list"):
            pose(empty, **request)


def test_columns_that_pandas_labels_by_whole_numbers() -> None:
    frame = pd.DataFrame({0: X[:, 0], 1: X[:, 1], 2: Y})
    for target in (2, np.int64(2), "2"):
        assert names(pose(frame, target)) == ["0", "1"]
        for features in ([0], 0, ["0"], [np.int64(0)]):
            assert names(pose(frame, target, features=features)) == ["0"]
    assert pose(frame, 2, weights=1).weights == "1"
    with pytest.raises(ColumnError, match="no column '3'"):
        pose(frame, 3)
    with pytest.raises(OptionError, match="has no names"):
        pose(X, 1)


def test_values_beside_a_table_in_memory_are_one_table() -> None:
    table = pose(NUMBERS, Y * 2, weights=X[:, 0]).table
    assert isinstance(table, Held)
    assert table.columns == ("a", "b", "y", "weights", "y_")
