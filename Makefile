# Every target does its own setup; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test slow lowest page notebooks docs lint deps format types wheel clean

BIN := .venv/bin
# What is set up: the package alone, with what tests need, with all tools (docs and notebooks are a third of the time).
USE := .venv/.use-stamp
TEST := .venv/.test-stamp
STAMP := .venv/.setup-stamp
LOWEST := .venv-lowest/.setup-stamp
INSTALLED := pyproject.toml requirements/ci.txt scripts/setup.sh
# What `make page` runs: places of blocks, all by default, and options of scripts/run_page.py.
PAGES ?=
# Files whose slow tests `make slow` runs.
SLOW ?= tests
CORE := tests/native tests/model tests/reference tests/runtime tests/sampling/nuts tests/population/test_walking.py
# Test processes; the suite is bound by compilation, which two processes share well.
N ?= 2

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv (Python >= 3.12) and install the package with its tools

$(STAMP): $(INSTALLED)
	@sh scripts/setup.sh
	@touch $@ $(TEST) $(USE)

$(TEST): $(INSTALLED)
	@EXTRA=dask,test sh scripts/setup.sh
	@touch $@ $(USE)

$(USE): $(INSTALLED)
	@EXTRA= sh scripts/setup.sh
	@touch $@

$(LOWEST): pyproject.toml requirements/lowest.txt scripts/setup.sh
	@VENV=.venv-lowest CONSTRAINTS=requirements/lowest.txt EXTRA=test sh scripts/setup.sh
	@touch $@

demo: $(USE) ## fit the embedded site and write the results to demo/
	@$(BIN)/bayes-tbm demo --out demo --overwrite

# The suite is written for the CPU; JAX_PLATFORMS=cuda make test N=1 runs it on a GPU.
test slow lowest page docs notebooks wheel: export JAX_PLATFORMS ?= cpu
# Matrices here are small: threads for them would spin beside the other processes.
test slow lowest page notebooks: export OPENBLAS_NUM_THREADS ?= 1
# Set in many containers, where each of these many processes would then compile all that it imports anew.
test slow lowest page notebooks: export PYTHONDONTWRITEBYTECODE :=
# Most of what XLA compiles for tests runs for less time than it takes to compile: next to nothing is made of it.
test: export XLA_FLAGS ?= --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1
notebooks: export BAYES_TBM_QUICK ?= 1

test: $(TEST) ## run the fast tests and the docstring examples
	@$(BIN)/python -m pytest -q -n $(N) --dist loadfile

slow: $(TEST) ## run the slow tests
	@$(BIN)/python -m pytest -q -m slow -n $(N) $(SLOW)
	@$(BIN)/python scripts/due.py slow --passed $(SLOW)

lowest: $(LOWEST) ## run the tests of the numerical core at the lowest versions declared
	@.venv-lowest/bin/python -m pytest -q -n $(N) --dist loadfile $(CORE)
	@.venv-lowest/bin/python scripts/due.py lowest --passed $(CORE)

page: $(STAMP) ## run every command and code block of README, docs/, --help and examples/, with few draws
	@$(BIN)/python scripts/run_page.py $(PAGES)

lint: $(STAMP) ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

deps: $(STAMP) ## check that what is imported is declared, and what is declared imported
	@$(BIN)/deptry .

format: $(STAMP) ## mend style and formatting
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP) ## check types
	@$(BIN)/mypy

docs: $(STAMP) ## build the site into docs/_build; a warning is an error
	@$(BIN)/python -m sphinx -qEW --keep-going docs docs/_build
	@echo "open docs/_build/index.html"

notebooks: $(STAMP) ## execute the notebooks with few draws (BAYES_TBM_QUICK= for all of them)
	@$(BIN)/python scripts/run_notebooks.py

wheel: $(STAMP) ## build a wheel and an sdist into dist/, and try each in an empty environment
	@sh scripts/check_wheel.sh

clean: ## remove caches and build outputs; .venv and results stay
	@rm -rf build dist docs/_build .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
