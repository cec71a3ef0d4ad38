# Set-up is part of every target: a virtual environment in .venv with the exact versions of uv.lock, made from whatever
# package index pip is configured for. Nothing else is needed but Python 3.11 to 3.13 and make.

PYTHON ?= python3
PORT ?= 3000
BIN := .venv/bin
# A worker for each core; groups of tests in the order of tests/conftest.py, which begins those that take long.
PYTEST := $(BIN)/python -m pytest -q -n logical --dist loadgroup --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test check quick pythons mutants faults bench dev refresh sql lint clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

# A virtual environment without its Python (the system's was replaced) is as good as none.
ifneq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null),runs)
$(shell rm -f .venv/.ready)
endif

setup: .venv/.ready  ## Install everything into .venv (done by every other target)

.venv/.ready: uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: $(PYTHON) is not Python 3.11 to 3.13; name one that is: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "· installing into .venv (once; a minute or two)"
	@test -e $@ && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@rm -f $@
	@sh scripts/install-locked .venv
	@$(BIN)/python -m registry.build.dbt_runner  # one parse of the dbt project serves every home
	@touch $@

demo: setup  ## Simulate the Udine-shaped cohort, refresh, print the paper's table from the release
	@$(BIN)/registry demo

test: setup  ## The whole test suite
	@$(PYTEST) -m "not deep"

check: test  ## The whole test suite, then larger samples: cohorts, kills, mutants, sequences, examples
	@$(PYTEST) -m "deep or hypothesis" --hypothesis-profile deep

quick: setup  ## The unit tests alone
	@$(BIN)/python -m pytest -q tests/unit tests/reference

pythons: setup  ## The unit tests on the other Pythons of 3.11 to 3.13 that are here
	@sh scripts/other-pythons

mutants: setup  ## Change each threshold and comparison of the clinical SQL: the tests must notice every change
	@$(BIN)/python -m pytest -q -n 2 tests/mutation --mutants all

faults: setup  ## Kill refreshes at 500 points and moments (FAULTS=… for another number): the next must finish the job
	@PYTHONPATH=tests:. $(BIN)/python -m faults --number $(or $(FAULTS),500)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup --junitxml=.venv/trials.xml tests/faults \
		tests/integration/test_planted_defects.py tests/unit/test_hostile_files.py tests/e2e/test_identifiers.py
	@$(BIN)/python -m scripts.reliability .venv/trials.xml

bench: setup  ## What it costs beside DuckDB alone, as ratios (ROWS=… for another size than 10 million)
	@$(BIN)/python -m benchmarks $(if $(ROWS),--rows $(ROWS))

dev: setup  ## Dagster UI on 127.0.0.1:3000 (PORT=… for another port)
	@$(BIN)/python -m orchestration dev --port $(PORT)

refresh: setup  ## Load new deliveries, build, gate, release
	@$(BIN)/registry refresh

sql: setup  ## Query the current release: make sql Q="select …"
	@$(BIN)/registry sql "$(Q)"

lint: setup  ## ruff, mypy, sqlfluff, known vulnerabilities of what is installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m scripts.audit_dependencies
	@sh scripts/lint-sql $(BIN)

clean:  ## Remove what make installed and built; never data
	rm -rf .venv dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@test ! -d data || echo "kept: data/ (deliveries, vault, releases); remove it yourself if it was only the demo's"
