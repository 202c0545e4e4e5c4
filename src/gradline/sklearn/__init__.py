"""Estimators that follow scikit-learn's conventions, with the exact answer and its uncertainty behind them.

    from gradline.sklearn import LinearRegression
    model = LinearRegression().fit(X, y)
    model.coef_, model.conf_int(), model.predict(X, return_interval="prediction")

`import gradline` does not load this room, for it loads scikit-learn.
"""

from gradline.sklearn.exact import LinearRegression, Ridge
from gradline.sklearn.lasso import ElasticNet, Lasso
from gradline.sklearn.lasso_cv import ElasticNetCV, LassoCV
from gradline.sklearn.ridge_cv import RidgeCV
from gradline.sklearn.training import GradientDescentRegressor

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "GradientDescentRegressor",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "Ridge",
    "RidgeCV",
]
