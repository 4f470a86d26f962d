.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
unexport PYTHONDONTWRITEBYTECODE # hundreds of processes would each compile everything they import

.PHONY: help setup demo test coverage check format lock crash-matrix chaos bench dev serve clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

setup: $(STAMP) ## Install everything into .venv

$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer was not found" >&2; echo "hint: install it, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip sync -q --system-certs --python $(BIN)/python --require-hashes requirements/dev.txt \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt # pip knows mirrors that uv does not
	$(BIN)/uv pip install -q --offline --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## Take a sample issue to a tested pull request, no credentials needed
	$(BIN)/adw demo

test: $(STAMP) ## Run every check and test
	./.ci/test

coverage: $(STAMP) ## Run the tests measured, with the floor under branch coverage (half as long again)
	rm -f .coverage .coverage.*
	$(BIN)/pytest -q -n 3 --dist worksteal --cov=adw --cov-branch --cov-report=term:skip-covered </dev/null

check: $(STAMP) ## Linters, types, layers (fast)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell src tests docs README.md CHANGELOG.md CONTRIBUTING.md

format: $(STAMP) ## Format the code and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## Refresh the hash-locked requirements
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header requirements/bootstrap.in -o requirements/bootstrap.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group dev pyproject.toml requirements/bootstrap.in -o requirements/dev.txt

crash-matrix: $(STAMP) ## Faults at sampled boundaries with the real CLI, for an hour (SEED=, MINUTES=, OUT=)
	$(BIN)/python -m tests.matrix --minutes $(or $(MINUTES),60) --out $(or $(OUT),crash-matrix) $(if $(SEED),--seed $(SEED))

chaos: $(STAMP) ## Forty workflows, two workers, one of them killed every ten seconds for three minutes (SEED=, OUT=)
	$(BIN)/python -m tests.matrix.chaos --out $(or $(OUT),crash-matrix) $(if $(SEED),--seed $(SEED))

bench: $(STAMP) ## Measure speed and memory, as ratios side by side
	$(BIN)/python -m benchmarks

dev: $(STAMP) ## Serve with a verbose log, data in .adw-data
	ADW_DATA_DIR=.adw-data LOG_LEVEL=debug $(BIN)/adw serve

serve: $(STAMP) ## Start the server and a worker
	$(BIN)/adw serve

clean: ## Remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .coverage*
