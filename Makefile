# Lineside: one door to everything. `make` alone prints this help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
SECONDS ?= 0
VENV := .venv
BIN := $(VENV)/bin
WEB_SOURCES := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)

.PHONY: help setup services check format test demo bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .setup/python .setup/peers .setup/web ## install everything into .venv, build the pages

.setup/python: requirements.lock pyproject.toml
	@mkdir -p .setup
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.setup/node_modules: web/package-lock.json .setup/python
	cd web && ../deploy/dev/with-node npm ci --no-audit --no-fund
	@touch $@

.setup/web: $(WEB_SOURCES) .setup/node_modules
	cd web && ../deploy/dev/with-node npm run build
	@touch $@

.setup/peers: tests/peers/node/package-lock.json .setup/python
	cd tests/peers/node && ../../../deploy/dev/with-node npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

services: ## install the real servers that tests talk to (Debian, Ubuntu)
	deploy/dev/services

check: setup ## formatting, lint, types, import rules, docs, licences, pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/codespell lineside tests docs benchmarks README.md
	$(BIN)/pyright
	$(BIN)/pytest -q -p no:randomly tests/architecture
	cd web && ../deploy/dev/with-node npm run check

format: setup ## put everything into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup services ## all tests, real servers included, the demo among them
	$(BIN)/pytest -q -n 2 --dist worksteal --cov --cov-report= tests
	$(BIN)/coverage report --skip-covered --sort=cover | tail -n 40

demo: setup ## a running plant; SECONDS=60 runs a minute, prints the score and ends
	$(BIN)/lineside-sim demo $(if $(filter-out 0,$(SECONDS)),--seconds $(SECONDS))

bench: setup ## measure every claim of benchmarks/README.md on this machine
	$(BIN)/python -m benchmarks

clean: ## remove what was built and installed
	rm -rf $(VENV) .setup lineside/web_dist web/node_modules tests/peers/node/node_modules
