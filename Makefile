# Every way to run Keyturn from a checkout. A target's help is the text after its "##".
# Which index pip asks is the machine's own setting; nothing here names one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip -qq
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv --quiet pip compile pyproject.toml \
	--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate

RUN := $(VENV)/.run-stamp
DEV := $(VENV)/.dev-stamp

# Clients in Node that the tests point at the sandbox. Who has no npm goes without them; the tests
# then say so, or fail where KEYTURN_REQUIRE_PEERS is set.
PEERS := $(if $(shell command -v npm 2>/dev/null),tests/peers/node_modules/.stamp)

# Compiled modules are kept whatever the shell says: without them every start costs seconds.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo setup test test-slow peers check fmt lint types arch measure bench lock mutate pairs simulate soak

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUN) ## Turn a secret in the sandbox while a consumer keeps using it
	$(BIN)/keyturn demo

setup: $(DEV) ## Install what developing needs into .venv

test: $(DEV) ## Run the fast tests
	$(BIN)/pytest -q -n auto -m "not slow"

# The longest tests stand together; whoever has nothing left to do takes some of them over.
test-slow: $(DEV) $(PEERS) ## Run the tests that `test` leaves out
	$(BIN)/pytest -q -n auto --dist worksteal --durations 20 -m slow

peers: $(DEV) $(PEERS) ## Run against clients and servers that nobody here wrote
	KEYTURN_REQUIRE_PEERS=1 $(BIN)/pytest -q tests/peers

check: lint types arch measure test test-slow ## Run all that CI runs

fmt: $(DEV) ## Format the code and mend what can be mended by machine
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

lint: $(DEV) ## Check format and style
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(DEV) ## Check types, strictly
	$(BIN)/mypy

arch: $(DEV) ## Check the import contract
	$(BIN)/lint-imports --no-logo

measure: $(DEV) ## Print the figures of the code beside those of codebases we look up to
	$(BIN)/python tools/measure.py src tests

bench: $(DEV) ## Measure speed: what is in benchmarks/, one after another
	@set -e; for file in benchmarks/*.py; do $(BIN)/python $$file; done

simulate: $(DEV) ## Simulate 2,000 worlds in which everything goes wrong (ARGS="--seed 7 --trace")
	$(BIN)/keyturn simulate $(or $(ARGS),--seeds 1:2000 --jobs 2)

mutate: $(DEV) ## Break the rules of a turn, one at a time: a test has to fail
	nice $(BIN)/python tools/mutate.py

pairs: $(DEV) ## Strike a turn at every pair of its boundaries
	KEYTURN_EVERY_PAIR=1 $(BIN)/pytest -q -n auto tests/simulation/test_boundaries.py

soak: $(DEV) ## Simulate new worlds for an hour, then kill processes for another (MINUTES=60)
	$(BIN)/keyturn simulate --seeds $$(date +%s) --jobs 2 --minutes $(or $(MINUTES),60)
	KEYTURN_KILL_MINUTES=$(or $(MINUTES),60) $(BIN)/pytest -q -rP -n 2 tests/e2e/test_kills_at_random.py -k no_kill

lock: $(DEV) ## Write requirements/*.txt anew (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) --group build --output-file requirements/run.txt
	$(COMPILE) $(ARGS) --group build --extra postgres --constraints requirements/run.txt --output-file requirements/postgres.txt
	$(COMPILE) $(ARGS) --group build --extra aws --extra github --constraints requirements/run.txt --output-file requirements/delivery.txt
	$(COMPILE) $(ARGS) --group build --extra otel --constraints requirements/run.txt --output-file requirements/telemetry.txt
	$(COMPILE) $(ARGS) --group dev --constraints requirements/postgres.txt --constraints requirements/delivery.txt --constraints requirements/telemetry.txt --output-file requirements/dev.txt

# A virtual environment that works is used as it is, whoever made it.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Keyturn needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear $(VENV)

# The package itself comes last and brings nothing along: all it needs is in the lock. Modules are
# compiled when they are first imported; most never are, and the first install is done sooner.
define install
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade
	$(PIP) install --no-compile --require-hashes -r $<
	$(PIP) install --no-deps --no-build-isolation --editable .
endef

$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	$(install)
	@touch $@

# dev.txt holds run.txt whole.
$(DEV): requirements/dev.txt pyproject.toml | $(BIN)/python
	$(install)
	@touch $@ $(RUN)

tests/peers/node_modules/.stamp: tests/peers/package-lock.json
	cd tests/peers && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
