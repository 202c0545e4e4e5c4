"""Gradient descent as an estimator: what `gl.train` does, under scikit-learn's conventions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import MultiOutputMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.moments import Moments
from gradline.results.fit import Fit
from gradline.results.run import Run
from gradline.sklearn.base import Exact
from gradline.sklearn.checks import all_or_nothing, finite, named, rows_of, weights_of
from gradline.sklearn.gathering import together
from gradline.training import train


def _by_moments(estimator: Any) -> bool:
    """Whether training is a function of the rows' moments."""
    plain = {"optimizer": "sgd", "loss": "mse", "lr_schedule": "constant", "batch_size": None, "average": 0}
    return estimator.engine != "autograd" and all(getattr(estimator, name) == value for name, value in plain.items())


class GradientDescentRegressor(MultiOutputMixin, Exact):  # type: ignore[misc]
    """A linear model trained by gradient descent, on standardized columns and at the best rate unless told otherwise.

    All options are those of `gl.train`: full-batch SGD on the squared loss is computed in closed form, mini-batches
    and named losses are compiled, and all else runs the PyTorch loop.

    Args:
        lr: The learning rate, or "auto" for the best one (MSE and SGD).
        epochs: Passes over the rows.
        batch_size: Rows per step, at most those there are; None for all.
        momentum: 0 to 1, or "auto" for the best one.
        nesterov: As in `torch.optim.SGD`.
        weight_decay: Likewise; it decays the bias too.
        optimizer: A name in `torch.optim`, or an optimizer class.
        loss: "mse", "l1", "huber", or an `nn.Module`.
        lr_schedule: "constant", "step", "cosine", "1/t", or a function of the epoch.
        average: Over how many of the last epochs parameters are averaged.
        standardize: Train on columns of mean 0 and standard deviation 1; results are in the units of the data.
        engine: "auto", "closed-form", "minibatch" or "autograd".
        random_state: Of the start and of the batches.

    Attributes:
        coef_: (d,), or (k, d) where y has two axes.
        intercept_: A number, or (k,).
        run_: The `Run`: history, stability, how far from the exact answer (`run_.gap()`), and that (`run_.exact`).
        result_: The `Fit` of the exact answer to the same rows, with standard errors.
        n_iter_: Epochs done.
        n_features_in_: d.
        feature_names_in_: (d,) where X had names.

    Example:
        >>> model = GradientDescentRegressor(random_state=0).fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> model.coef_.round(3), model.run_.status
        (array([1.98]), 'converged')
    """

    coef_: Array
    intercept_: Any
    run_: Run
    n_iter_: int

    def __init__(
        self,
        *,
        lr: float | str = "auto",
        epochs: int = 500,
        batch_size: int | None = None,
        momentum: float | str = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        optimizer: Any = "sgd",
        loss: Any = "mse",
        lr_schedule: str | Callable[[int], float] = "constant",
        average: int = 0,
        standardize: bool = True,
        engine: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.loss = loss
        self.lr_schedule = lr_schedule
        self.average = average
        self.standardize = standardize
        self.engine = engine
        self.random_state = random_state

    @all_or_nothing
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradientDescentRegressor:
        """Train on these rows.

        Args:
            X: (n, d) an array, a data frame, or a sparse matrix. The mini-batch engine writes out as many of its rows
                as 1 GB holds, the PyTorch loop a batch of 8 MB at most: more rows stay sparse, standardized or not.
            y: (n,), or (n, k) for k targets.
            sample_weight: (n,) or one number, as `gl.train` takes weights: the loss is Σ w·l / Σ w, and 0 leaves a
                row out.

        Raises:
            ValueError: the rows or an option cannot be used.

        Warns:
            ConvergenceWarning: training diverged, or with all rows in each step is not near its goal yet.
        """
        X, y = rows_of(self, X, y)
        weights = weights_of(sample_weight, X)
        options = {name: value for name, value in self.get_params(deep=False).items() if name != "random_state"}
        if isinstance(self.batch_size, int | np.integer) and self.batch_size > 0:  # a fold may have fewer rows
            used = X.shape[0] if weights is None else np.count_nonzero(weights)
            options["batch_size"] = min(self.batch_size, max(used, 1))
        with finite(self, X):
            run = train(X, y, weights=weights, seed=self._seed, missing="error", **options)
        return self._learned(run, y.ndim == 1)

    @available_if(_by_moments)  # type: ignore[untyped-decorator]
    @all_or_nothing
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradientDescentRegressor:
        """Take in more rows and train on all of them: afterwards the estimator is as if one `fit` had seen them.

        It is there where training is a function of moments: all rows in each step, the squared loss, SGD at one rate.

        Args:
            X: As for `fit`; likewise y and sample_weight.
            y: See X.
            sample_weight: See X.

        Raises:
            ValueError: the rows or an option cannot be used; the rows seen before stay.

        Warns:
            ConvergenceWarning: as `fit`.
        """
        if not hasattr(self, "run_"):
            return self.fit(X, y, sample_weight)
        X, y = rows_of(self, X, y, first=False)
        weights = weights_of(sample_weight, X, first=False)
        with finite(self, X):
            moments = named(self, Moments.of(X, y, weights=weights, missing="error"))
        moments = together(self.run_.moments, moments)
        names = ("lr", "epochs", "momentum", "nesterov", "weight_decay", "standardize")
        options = {name: getattr(self, name) for name in names}
        return self._learned(moments.train(seed=self._seed, **options), y.ndim == 1)

    @property
    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _learned(self, run: Run, flat: bool) -> GradientDescentRegressor:
        moments = named(self, run.moments)
        # What traces a run, and its problem, hold the rows, and an estimator keeps none.
        self.run_ = replace(run, tracing=None, problem=None, moments=moments, names=("Intercept", *moments.columns))
        weight, bias = run.weight.reshape(-1, len(moments.columns)), np.atleast_1d(run.bias)  # (k, d), (k,)
        self.coef_, self.intercept_ = (weight[0], bias[0]) if flat else (weight, bias)
        self.n_iter_ = run.epochs
        # Mini-batches at one rate end in noise, which more epochs do not take away: that is no warning's matter.
        if run.status == "diverged" or (run.status != "converged" and self.batch_size is None):
            warnings.warn(repr(self.run_), ConvergenceWarning, stacklevel=4)
        return self

    @property
    def result_(self) -> Fit:  # type: ignore[override]
        """The exact answer to the same rows, which the squared loss leads to; how far it is says `run_.gap()`."""
        check_is_fitted(self)
        return self.run_.exact

    def predict(self, X: Any, return_interval: str | None = None, level: float = 0.95) -> Any:
        """Predict the targets of new rows.

        Args:
            X: (n, d).
            return_interval: "mean" or "prediction" for the prediction and the interval of the exact answer, as
                `LinearRegression` has them.
            level: Probability that the interval covers what it is for.

        Returns:
            (n,) or (n, k); with an interval a named tuple (fit, lower, upper) of these.

        Raises:
            OptionError: an interval, where the loss leads to another place than the exact answer.
        """
        if return_interval is not None:
            self._demand_exact("an interval")
        return super().predict(X, return_interval, level)

    def conf_int(self, level: float = 0.95) -> Array:
        """(p, 2) confidence intervals of the exact answer's parameters, the intercept first; (p, 2, k) for targets.

        Raises:
            OptionError: the loss leads to another place than the exact answer.
        """
        self._demand_exact("conf_int")
        return super().conf_int(level)

    def summary(self) -> str:
        """What ran, how it went and how far it is from the exact answer."""
        check_is_fitted(self)
        return self.run_.summary()

    def _demand_exact(self, what: str) -> None:
        check_is_fitted(self)
        if self.run_.request.heading != "exact":
            raise OptionError(
                f"{what} is that of least squares, and loss {self.run_.request.loss!r} with weight_decay "
                f"{self.run_.request.sgd.weight_decay:g} leads elsewhere.\n"
                "Ask the exact answer itself, result_, or train with loss='mse' and no weight_decay."
            )
