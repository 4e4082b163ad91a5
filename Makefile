# `make` alone lists what there is. Everything installs itself into .venv on first use.
#
# The package index is the environment's choice (PIP_INDEX_URL, pip.conf or UV_DEFAULT_INDEX), and so is
# the image registry (IMAGE_REGISTRY, with its trailing slash): no address is written down here.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
ARGS ?=
BENCHMARKS ?= credit api photo noon methodology
IMAGE_REGISTRY ?=
IMAGE ?= $(IMAGE_REGISTRY)tanhui:0.1.0
BUILDER ?= docker

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fix serve bench docs screenshots faults mutate image

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Create .venv and install the locked packages into it

$(INSTALLED): requirements.lock pyproject.toml .ci/make-venv
	@PYTHON="$(PYTHON)" .ci/make-venv
	@touch $@

demo: $(INSTALLED) ## Run a fictional city through the real API, then serve it (ARGS="--once --json")
	$(BIN)/tanhui demo $(ARGS)

test: $(INSTALLED) ## Run the tests but for the slow fault suite
	$(BIN)/python -m pytest -n 2 -m "not faults" $(ARGS)

check: $(INSTALLED) ## Format, lint, types, room order, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

fix: $(INSTALLED) ## Format, correct what the linter can, write the made tables of the reference
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tests.docs.reference_tables

serve: $(INSTALLED) ## Serve the API and the processor on an embedded database
	$(BIN)/tanhui serve $(ARGS)

bench: $(INSTALLED) ## Measure against rivals on this machine (BENCHMARKS="credit api")
	@set -e; for name in $(BENCHMARKS); do $(BIN)/tanhui bench $$name --json $(ARGS); done

docs: $(INSTALLED) ## Serve the documentation and rebuild it on change
	$(BIN)/mkdocs serve $(ARGS)

screenshots: $(INSTALLED) ## Photograph pages of a running demo into build/screenshots (ARGS="/docs /trace/CODE")
	$(BIN)/python tests/browser/screenshots.py $(ARGS)

faults: $(INSTALLED) ## Kill processes in the middle of their work and check the ledger
	$(BIN)/python -m pytest -m faults $(ARGS)

mutate: $(INSTALLED) ## Change the engine line by line; what is listed at the end no test noticed
	-$(BIN)/mutmut run --max-children 1 $(ARGS)
	$(BIN)/mutmut results

image: ## Build the container image (BUILDER=docker or podman)
	$(BUILDER) build --build-arg IMAGE_REGISTRY="$(IMAGE_REGISTRY)" --build-arg PIP_INDEX_URL -t "$(IMAGE)" .
