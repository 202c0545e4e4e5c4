"""Estimators that follow scikit-learn's conventions, with the exact answer and its uncertainty behind them.

    from gradline.sklearn import LinearRegression
    model = LinearRegression().fit(X, y)
    model.coef_, model.conf_int(), model.predict(X, return_interval="prediction")

`import gradline` does not load this room, for it loads scikit-learn.
"""

from gradline.sklearn.exact import LinearRegression, Ridge
from gradline.sklearn.training import GradientDescentRegressor

__all__ = ["GradientDescentRegressor", "LinearRegression", "Ridge"]
