# The one place of commands. `make PYTHON=python3.12 test` makes the environment with that Python.
PYTHON ?= python3
BIN := .venv/bin
# Warnings of the build backend, which calls how extensions are declared experimental, are not for users.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --quiet --disable-pip-version-check
NATIVE := $(wildcard tracer/*/*.c tracer/*/*.h)

.PHONY: demo test lint bench clean

demo: .venv/installed
	@$(BIN)/tracer demo

test: .venv/installed-test
	@$(BIN)/python -m pytest $(ARGS)

lint: .venv/installed-lint
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/installed-bench
	@$(BIN)/python -m pytest benchmarks -o 'python_files=bench_*.py' -q $(ARGS)
	@$(BIN)/python benchmarks/crossing.py

clean:
	rm -rf .venv .venvs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks build dist .coverage*
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
