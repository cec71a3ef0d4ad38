# Every target first sets up a virtual environment in .venv with the exact versions of uv.lock, from the package index
# that pip is configured for. Only Python 3.11 to 3.13 and make are required.

PYTHON ?= python3
PORT ?= 3000
BIN := .venv/bin
# One worker per core; groups of tests in the order of tests/conftest.py, which starts the slow ones first.
PYTEST := $(BIN)/python -m pytest -q -n logical --dist loadgroup --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test check quick pythons mutants faults bench dev refresh sql lint clean

help:  ## List the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

# Reinstall if the virtual environment has lost its Python (for example if the system's was replaced).
ifneq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null),runs)
$(shell rm -f .venv/.ready)
endif

setup: .venv/.ready  ## Install everything into .venv (done by every other target)

.venv/.ready: uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: $(PYTHON) is not Python 3.11 to 3.13; choose another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "· installing into .venv (once; a minute or two)"
	@test -e $@ && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@rm -f $@
	@sh scripts/install-locked .venv
	@$(BIN)/python -m registry.build.dbt_project  # parses the dbt project once for all homes
	@touch $@

demo: setup  ## Simulate the Udine-shaped cohort, refresh, print the paper's table from the release
	@$(BIN)/registry demo

test: setup  ## Run the whole test suite
	@$(PYTEST) -m "not deep"

check: test  ## Run the whole test suite, then larger samples: cohorts, kills, mutants, sequences, examples
	@$(PYTEST) -m "deep or hypothesis" --hypothesis-profile deep

quick: setup  ## Run only the unit and reference tests
	@$(BIN)/python -m pytest -q tests/unit tests/reference

pythons: setup  ## Run the unit tests on the other installed Pythons from 3.11 to 3.13
	@sh scripts/other-pythons

mutants: setup  ## Change each threshold and comparison of the clinical SQL: the tests must detect every change
	@$(BIN)/python -m pytest -q -n 2 tests/mutation --mutants all

faults: setup  ## Kill refreshes at 500 points and moments (FAULTS=… for another number): the next one must complete the work
	@PYTHONPATH=tests:. $(BIN)/python -m faults --number $(or $(FAULTS),500)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup --junitxml=.venv/trials.xml tests/faults \
		tests/integration/test_planted_defects.py tests/unit/test_hostile_files.py tests/e2e/test_identifiers.py
	@$(BIN)/python -m scripts.reliability .venv/trials.xml

bench: setup  ## Measure the cost compared with plain DuckDB (ROWS=… instead of 10 million)
	@$(BIN)/python -m benchmarks $(if $(ROWS),--rows $(ROWS))

dev: setup  ## Start the Dagster UI on 127.0.0.1:3000 (PORT=… for another port)
	@$(BIN)/python -m orchestration dev --port $(PORT)

refresh: setup  ## Load new deliveries, build, run the gate, publish a release
	@$(BIN)/registry refresh

sql: setup  ## Query the current release: make sql Q="select …"
	@$(BIN)/registry sql "$(Q)"

lint: setup  ## Run ruff, mypy, sqlfluff, and the check for known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m scripts.audit_dependencies
	@sh scripts/lint-sql $(BIN)

clean:  ## Remove everything that make installed or built, but no data
	rm -rf .venv dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@test ! -d data || echo "kept: data/ (deliveries, vault, releases); remove it yourself if it only has the demo"
