"""`gradline fit`: the exact answer for the rows of files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from gradline.allowed import probability
from gradline.cli import given, terminal
from gradline.errors import OptionError
from gradline.layout import filled

if TYPE_CHECKING:
    from gradline.results.fit import Fit


def fit(
    context: Context,
    source: Annotated[
        list[str],
        Argument(metavar="SOURCE", help="CSV, JSON, Parquet, Feather; a folder, a glob in quotes, a URL."),
    ],
    target: Annotated[list[str] | None, Option(metavar="y", help="The column to explain.")] = None,
    features: Annotated[list[str] | None, Option(metavar="a,b", help="Columns to use. [all the others]")] = None,
    formula: Annotated[str | None, Option(metavar="F", help="'y ~ a + log(b) + C(city)' in their place.")] = None,
    where: Annotated[str | None, Option(metavar="SQL", help="Only the rows for which this holds.")] = None,
    sql: Annotated[str | None, Option(metavar="QUERY", help="'SELECT … FROM data', data being SOURCE.")] = None,
    weights: Annotated[str | None, Option(metavar="w", help="A column of weights; 0 leaves out.")] = None,
    frequency_weights: Annotated[
        str | None, Option(metavar="f", help="A column: how many rows each stands for.")
    ] = None,
    l2: Annotated[float, Option("--l2", metavar="V", help="Ridge penalty on the slopes.")] = 0.0,
    no_intercept: Annotated[bool, Option("--no-intercept", help="Fit through the origin.")] = False,
    missing: Annotated[str, Option(metavar="drop|error", help="Rows with missing values.")] = "drop",
    aliased: Annotated[str, Option(metavar="nan|min-norm|error", help="Dependent columns.")] = "nan",
    precision: Annotated[str, Option(metavar="auto|float64|…", help="Of the sums; … double-double.")] = "auto",
    checkpoint: Annotated[Path | None, Option(metavar="FILE", help="Keep the sums so far; go on from them.")] = None,
    engine: Annotated[str, Option(metavar="dask|ray|spark", help="Workers that read the files.")] = "local",
    address: Annotated[str | None, Option(metavar="A", help="Of their scheduler. [one is started here]")] = None,
    se: Annotated[
        str | None, Option("--se", metavar="HC3|HAC|…", help="Robust standard errors: HC0-3, CR0-2, HAC.")
    ] = None,
    cluster: Annotated[list[str] | None, Option(metavar="a[,b]", help="Columns of clusters: CR1 errors.")] = None,
    lags: Annotated[int | None, Option(metavar="L", help="Of HAC. [4·(n/100)^(2/9)]")] = None,
    time_column: Annotated[str | None, Option("--time", metavar="t", help="Of HAC: the order of the rows.")] = None,
    x_error: Annotated[
        list[str] | None, Option(metavar="SD|x=SD,…", help="Std deviation of the errors in x.")
    ] = None,
    deming: Annotated[float | None, Option(metavar="RATIO", help="Variance of y's errors over x's.")] = None,
    explain: Annotated[bool, Option("--explain", help="Say what would be done, and read nothing.")] = False,
    level: Annotated[float, Option(metavar="P", help="Of the intervals.")] = 0.95,
    save: Annotated[Path | None, Option(metavar="M.safetensors", help="Keep the fit for predict.")] = None,
    report: Annotated[Path | None, Option(metavar="R.html", help="Write a page: table, pictures, doubts.")] = None,
    lang: Annotated[str, Option(metavar="en|ko", help="Language of the report.")] = "en",
    json: Annotated[bool, Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Fit a linear model exactly, in one pass over the rows.

    gradline fit penguins.csv --target body_mass_g --features flipper_length_mm
    """
    from gradline import fitting
    from gradline.cluster.choice import opened

    given.writable(save)
    given.report(report, lang)
    given.apart(source, save, report)
    probability("level", level)
    request: dict[str, Any] = {
        "features": given.names("features", features),
        "formula": formula,
        "where": where,
        "sql": sql,
        "weights": weights,
        "frequency_weights": frequency_weights,
        "intercept": not no_intercept,
        "precision": precision,
    }
    if explain and json:
        raise OptionError("--explain says in words what would be done, --json what came out.\nLeave one of them out.")
    if explain:
        from gradline.cluster import estimate

        terminal.say(
            estimate.explain(given.one_or_several(source), given.names("target", target), engine, address, **request)
        )
        if cluster or se not in (None, "classical"):
            terminal.say("The standard errors read the rows once more, for the residuals.")
        return
    if se != "HAC" and (lags is not None or time_column is not None):
        raise OptionError("--lags and --time are for rows in an order.\nAdd --se HAC, or leave them out.")
    in_order = se == "HAC" and engine == "local"
    start = time.perf_counter()
    with opened(engine, address) as there, terminal.progress("reading") as progress:
        result = fitting.fit(
            given.one_or_several(source),
            given.names("target", target),
            **request,
            l2=l2,
            missing=missing,
            aliased=aliased,
            checkpoint=checkpoint,
            progress=progress,
            engine=there or "local",
            se=None if in_order else se,
            cluster=given.names("cluster", cluster),
            x_error=given.x_error(x_error, deming),
        )
        if in_order:
            result = result.hac(lags, time_column)
    seconds = time.perf_counter() - start
    if save is not None:
        result.save(save)
    if report is not None:
        from gradline.pages.page import write_fit

        write_fit(result, report, lang, level=level, command=context.obj)
    if json:
        from gradline.cli.json_output import as_json, fit_record

        terminal.say(as_json(fit_record(result, level) | {"seconds": seconds}))
        return
    from gradline.report.text import fit_summary

    terminal.say(fit_summary(result, level, seconds))
    terminal.say()
    if report is not None:
        terminal.wrote(report)
    terminal.say(_next(result, save, report), dim=True)


def _next(result: Fit, save: Path | None, report: Path | None) -> str:
    """What one may want to do now, the most needed first."""
    if save is not None:
        return f"Saved {save}\nNext:  gradline predict {save} NEW.csv   --interval prediction"
    steps = ["--save model.safetensors", *["--report report.html"] * (report is None)]
    if result.aliased and not result.l2:
        steps.insert(0, "--aliased min-norm")
    if result.digits < 10 or result.nobs <= result.rank:
        steps.insert(0, "--l2 1")
    if len(result.targets) == 1 and len(result.targets[0]) < 20 and result.targets[0].isidentifier():
        steps.append(f"--formula '{result.targets[0]} ~ …'")
    return "\n".join(filled([f"Next:  {steps[0]}", *steps[1:]], " " * 7, "   "))
