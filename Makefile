# Every target installs what it needs into VENV; PYTHON names the interpreter to build it with.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# stand-in needs nothing; envtest and all run the real kube-apiserver (KUBEBUILDER_ASSETS).
CONTROL_PLANE ?= stand-in
# More than two cores have: tests of leases and timers wait most of their time.
WORKERS ?= 4

.PHONY: help demo test e2e lint format bench crds docs clean

help:
	@echo 'make demo    API server, webhook and operator on this machine, and the examples through kubectl'
	@echo 'make test    all tests; CONTROL_PLANE=stand-in|envtest|all; PYTHON=python3.13 VENV=.venv-3.13'
	@echo 'make e2e     install from deploy/, operate and remove it on the real API server'
	@echo 'make lint    ruff, mypy, import-linter, and generated files that are stale'
	@echo 'make format  rewrite the code as make lint wants it'
	@echo 'make bench   measure, and write docs/performance.md'
	@echo 'make crds    write crds/ from the models in core/actgate/api'
	@echo 'make docs    write docs/rules.md from the rules, docs/configuration.md from the settings'
	@echo 'make clean   remove what the other targets made'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'actgate needs Python 3.11 or newer: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/python -m actgate_sandbox demo

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --control-plane=$(CONTROL_PLANE)

# The installation as a whole; where there is no real API server that is said, and is no failure.
e2e: $(STAMP)
	@missing=$$($(BIN)/python -c \
	  'from actgate_sandbox.envtest import missing_binaries as m; print(*m(workloads=True))'); \
	if [ -n "$$missing" ]; then \
	  echo "make e2e is skipped: $$missing not found, set KUBEBUILDER_ASSETS to the folder that has them"; \
	else \
	  $(BIN)/python -m pytest --control-plane=envtest tests/deploy tests/e2e; \
	fi

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m bench

crds: $(STAMP)
	$(BIN)/python -m actgate.api.crd crds

docs: $(STAMP)
	$(BIN)/python -m actgate.cli.rule_reference > docs/rules.md
	$(BIN)/python -m actgate_sandbox.settings_reference > docs/configuration.md

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
