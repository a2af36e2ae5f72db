# Everything that people and CI do with this repository. `make` alone lists it.
# The environment in .venv/ is made on the way, from requirements.lock; where it is up to date nothing is installed.

PYTHON ?= python3
UV ?= uv
# Processes that the tests run in.
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help env demo test check lint format types soak wheel bench lock clean

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

env: $(INSTALLED) ## Make the environment, if it is not there or out of date.

demo: $(INSTALLED) ## Do the whole job on a made-up company, in ./rapport-demo/.
	$(BIN)/rapport demo

test: $(INSTALLED) ## Run the tests (ARGS="-k name" for some of them).
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: lint types test wheel ## Everything that CI does: style, types, tests, the wheel in an environment of its own.

lint: $(INSTALLED) ## Check style.
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(INSTALLED) ## Put style right where that can be done by itself.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(INSTALLED) ## Check types, strictly.
	$(BIN)/mypy
	$(BIN)/mypy benchmarks tools

soak: $(INSTALLED) ## Let the service run while everything misbehaves (ARGS="--seconds 600 --seed 1").
	$(BIN)/python -m tests.e2e.soak $(ARGS)

wheel: $(INSTALLED) ## Build the wheel, and try it in a clean environment.
	$(BIN)/python tools/try_wheel.py

bench: $(INSTALLED) ## Measure (ARGS="--small" for a quick trial, names of benchmarks for some).
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## Choose versions anew within pyproject.toml's bounds (needs uv).
	$(UV) pip compile pyproject.toml --upgrade --all-extras --generate-hashes --python-version 3.11 --universal \
		--no-header --no-annotate --no-emit-index-url -o requirements.lock
	$(UV) pip compile pyproject.toml --extra scale --constraint requirements.lock --generate-hashes \
		--python-version 3.11 --universal --no-header --no-annotate --no-emit-index-url -o deploy/requirements.lock

clean: ## Remove everything that was made here: the environment, caches, the demo.
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist rapport-demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without --no-deps pip would look for what the lock may lack; so a lock with a gap fails here and not somewhere else.
$(LOCKED): requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). On Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) tools/check_python.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
