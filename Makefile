# The one place of commands. `make PYTHON=python3.12 test` makes the environment with that Python.
PYTHON ?= python3
BIN := .venv/bin
# Warnings of the build backend, which calls how extensions are declared experimental, are not for users.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --quiet --disable-pip-version-check
NATIVE := $(wildcard tracer/*/*.c tracer/*/*.h)

.PHONY: demo test lint guard guard-store bench bench-peers flat completeness fuzz fuzz-guided transparency faults checks clean

demo: .venv/installed
	@$(BIN)/tracer demo

test: .venv/installed-test
	@$(BIN)/python -m pytest -n auto $(ARGS)

lint: .venv/installed-lint
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Instructions and allocations of the hot path against stored figures; ARGS=--store keeps today's.
guard: .venv/installed
	@$(BIN)/python benchmarks/guard/run.py $(ARGS)

# Keeps today's figures for every Python that there is an environment of.
guard-store: .venv/installed
	@$(BIN)/python benchmarks/guard/run.py --store
	@for python in .venvs/*/bin/python; do test ! -x $$python || $$python benchmarks/guard/run.py --store --allocations-only || exit 1; done

# ARGS=--publish puts the tables into docs/cost.md.
bench: .venv/installed-bench
	@$(BIN)/python -m pytest benchmarks -o 'python_files=bench_*.py' -q
	@$(BIN)/python benchmarks/crossing.py $(ARGS)
	@$(BIN)/python benchmarks/startup.py $(ARGS)

# The same calls and whole test suites under other tools, each in an environment of its own.
bench-peers: .venv/installed-bench
	@$(BIN)/python benchmarks/peers/calls.py $(ARGS)
	@$(BIN)/python benchmarks/peers/whole.py $(ARGS)

# Real suites, then programs that call extensions, for which a Python 3.12 or 3.13 is looked for on the path.
completeness: .venv/installed-test
	@$(BIN)/python benchmarks/completeness/run.py $(ARGS)
	@$(BIN)/python benchmarks/completeness/boundaries.py

# Memory and disk of recording, time and memory of comparing. Takes some twenty minutes. ARGS=--publish puts the tables into docs/cost.md.
flat: .venv/installed-test
	@$(BIN)/python benchmarks/flat/memory.py $(ARGS)
	@$(BIN)/python benchmarks/flat/comparing.py $(ARGS)

fuzz: RUNS ?= 20000
fuzz: JOBS ?= 2
fuzz: .venv/installed-test
	@$(BIN)/python benchmarks/fuzz/run.py --runs $(RUNS) --jobs $(JOBS) $(ARGS)

fuzz-guided: RUNS ?= 100000
fuzz-guided: .venv/installed-fuzz
	@$(BIN)/python benchmarks/fuzz/guided.py -runs=$(RUNS) $(ARGS)

transparency: .venv/installed
	@$(BIN)/python benchmarks/transparency/run.py $(ARGS)

faults: TRIALS ?= 400
faults: .venv/installed-test
	@$(BIN)/python benchmarks/faults/run.py --trials $(TRIALS) $(ARGS)

# What reports are checked against where npm is at hand: the SARIF schema and mermaid itself. Tests that need them are skipped without.
checks: .cache/sarif-2.1.0.json .cache/mermaid.min.js

.cache/sarif-2.1.0.json: NPM := @microsoft/jest-sarif@1.0.0-beta.0 package/lib/schemas/sarif-2.1.0-rtm.5.json
.cache/mermaid.min.js: NPM := mermaid@11 package/dist/mermaid.min.js
.cache/%:
	@mkdir -p $(@D)/$*.npm
	@cd $(@D)/$*.npm && npm pack --silent $(firstword $(NPM)) >/dev/null
	@tar -xzOf $(@D)/$*.npm/*.tgz $(lastword $(NPM)) > $@.part && mv $@.part $@
	@rm -rf $(@D)/$*.npm

clean:
	rm -rf .venv .venvs .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks build dist .coverage*
	find tracer -name '*.so' -delete
	find tracer tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: pyproject.toml $(NATIVE)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --upgrade pip
	@$(PIP) install --editable .
	@touch $@

# mypy reads the tests, so linting needs what they import.
.venv/installed-lint: .venv/installed-test
.venv/installed-%: .venv/installed
	@$(PIP) install --editable . --group $*
	@touch $@
