# One short command per chore. Each target sets up what it needs in .venv, again only when
# pyproject.toml or constraints.txt changes. It needs Python 3.11 or newer, and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

ENGINES := dask ray spark

.PHONY: help demo test test-hosts lint bench clean $(ENGINES:%=test-%)

help:
	@echo "make demo    install, run the notebook, and fit the penguins"
	@echo "make test    install the test extras and run the whole suite"
	@echo "make test-dask, make test-ray, make test-spark    install that engine, run its tests (Spark needs Java 17)"
	@echo "make test-hosts  install JupyterLab and marimo, and test the lab in them"
	@echo "make lint    ruff, mypy --strict, and which room may import which"
	@echo "make bench   accuracy and speed beside other programs"
	@echo "make clean   remove .venv and caches"

demo: .venv/installed-demo
	@$(BIN)/gradline demo
	@echo
	@$(BIN)/gradline fit examples/penguins.csv --target body_mass_g \
	    --features flipper_length_mm,bill_length_mm,bill_depth_mm

test: .venv/installed-test
	@$(BIN)/python -m pytest -n 2 $(ENGINES:%=--ignore=tests/test_cluster_%.py) --ignore=tests/test_lab_hosts.py
	@$(MAKE) --no-print-directory test-hosts $(ENGINES:%=test-%)

$(ENGINES:%=test-%): test-%: .venv/installed-test-%
	@$(BIN)/python -m pytest tests/test_cluster_$*.py

test-hosts: .venv/installed-test-hosts
	@$(BIN)/python -m pytest tests/test_lab_hosts.py

lint: .venv/installed-lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/installed-bench
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python benchmarks/run.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/installed-demo: EXTRAS =
.venv/installed-test: EXTRAS = [test]
.venv/installed-test-dask: EXTRAS = [test,dask]
.venv/installed-test-ray: EXTRAS = [test,ray]
.venv/installed-test-spark: EXTRAS = [test,spark]
.venv/installed-test-hosts: EXTRAS = [test,hosts]
.venv/installed-lint: EXTRAS = [test,lint]
.venv/installed-bench: EXTRAS = [bench]
.venv/installed-%: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing gradline$(EXTRAS) into .venv (once, and again when pyproject.toml or constraints.txt changes)"
	@$(PIP) --editable ".$(EXTRAS)"
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "gradline needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	      echo "Install one, or say which: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "$(PYTHON) -m venv is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"; \
	      echo "On Fedora: sudo dnf install python3-pip. Then run make again."; exit 1; }
	@$(PYTHON) -m venv .venv
