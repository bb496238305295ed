# The one door to the project. `make help` lists the verbs.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CODE := labo grader hub tests bench

# The tests start hundreds of processes: none should compile this project again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo hub check quick test test-sandbox labs answers claims proofs docs format bench fuzz clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## create .venv from requirements.txt (done once)

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -e .
	@touch $@

demo: setup ## grade a small class from nothing, and show the result
	@$(BIN)/grader demo

hub: setup ## a JupyterHub on this machine, the course installed; Ctrl-C stops it
	@$(BIN)/python hub/start.py

check: setup ## check the style, the types, and that labs/ is what solutions/ builds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/python -m mypy
	$(BIN)/grader build --check

quick: setup ## the tests that are not slow, and need no hub, cluster, browser or documentation site
	$(BIN)/python -m pytest -n 2 --dist loadfile \
	  -m "not slow and not hub and not cluster and not browser and not docs"

# First what forks most, in workers that have imported little: the forks of the others cost five times as much.
# Then in the order of tests/conftest.py: what takes longest first, what waits beside what computes.
PYTEST := $(BIN)/python -m pytest -p bench.cpu_times -n 3 --dist loadfile --no-loadscope-reorder

test: setup ## check, and run all tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line check test-sandbox  # mypy leaves a core idle
	$(PYTEST) --ignore tests/engine/sandbox

test-sandbox: setup
	$(PYTEST) tests/engine/sandbox

labs: setup ## build labs/ from solutions/
	$(BIN)/grader build

answers: setup ## execute the answer keys into answers/ (PROFILE=tiny, small or full)
	$(BIN)/grader answers $(if $(PROFILE),--profile $(PROFILE))

claims: setup ## measure what the labs claim, with what should break it, and record it (LAB=laboratoire_01)
	$(BIN)/python bench/claims.py $(LAB)

proofs: setup ## prove that short runs give the verdicts of whole ones, and record it (LAB=laboratoire_01)
	$(BIN)/python bench/short_runs.py $(LAB)

docs: setup ## the documentation and the labs as a site, in build/docs
	@! command -v npm >/dev/null || npm install --prefix docs --silent --no-fund --no-audit --no-package-lock
	$(BIN)/python -m sphinx -W --keep-going --quiet docs build/docs
	@echo build/docs/index.html

format: setup ## put the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format $(CODE)

bench: setup ## measure speed, as ratios taken in one run
	@for script in bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

fuzz: setup ## feed the decoder what nobody should send, for SECONDS=1800 (needs atheris)
	$(BIN)/python bench/fuzz_wire.py --seconds $(or $(SECONDS),1800)

clean: ## remove what can be made again (not .venv, nor an edited notebook in solutions/)
	rm -rf .demo answers .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
