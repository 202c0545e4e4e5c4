"""One self-contained page for a fit or a run: `Fit.report` and `Run.report`."""
