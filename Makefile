# Everything that people and CI do with this repository. `make` alone lists it.
# The environment in .venv/ is made on the way, from requirements.lock; where it is up to date nothing is installed.

PYTHON ?= python3
UV ?= uv
# Processes that the tests run in.
WORKERS ?= 2
# What `make mutants` may take.
MINUTES ?= 60

VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed
MUTANTS := .cache/mutants

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help env demo test check lint format types mutants soak fuzz wheel bench lock clean

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

# In a copy, so that nothing is changed here. After MINUTES (124) the score is of what was tried until then.
mutants: $(INSTALLED) ## Break scoring/ in thousands of small ways, and count what its tests notice (MINUTES=60 at most).
	rm -rf $(MUTANTS)
	mkdir -p $(MUTANTS)
	cp -R scoring tests pyproject.toml $(MUTANTS)
	cd $(MUTANTS) && timeout $(MINUTES)m $(CURDIR)/$(BIN)/mutmut run --max-children $(WORKERS) || [ $$? -eq 124 ]
	cd $(MUTANTS) && $(CURDIR)/$(BIN)/mutmut export-cicd-stats && $(CURDIR)/$(BIN)/python -c "$$SCORE"
	@echo "What survived: cd $(MUTANTS) && ../../$(BIN)/mutmut browse"

define SCORE
import json, pathlib
found = json.loads(pathlib.Path("mutants/mutmut-cicd-stats.json").read_text())
killed, missed = found["killed"] + found["timeout"] + found["segfault"], found["survived"] + found["no_tests"]
print(f"killed {killed}, survived {missed} ({found['no_tests']} of them not run by any test), of {found['total']}:", end=" ")
print(f"{100 * killed / max(killed + missed, 1):.1f} % of the {killed + missed} that were tried")
endef
export SCORE

soak: $(INSTALLED) ## Let the service run while everything misbehaves (ARGS="--seconds 600 --seed 1").
	$(BIN)/python -m tests.e2e.soak $(ARGS)

fuzz: $(INSTALLED) ## Answer as no provider should, for half an hour (ARGS="--seconds 60 --seed 1").
	$(BIN)/python -m tests.fuzz $(ARGS)

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
