# Lineside: one door to everything. `make` alone prints this help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
SECONDS ?= 0
# Sizes of the campaigns; seeds rotate by the day unless SEED is given.
SEED ?= $(shell date +%Y%m%d)
STATES ?= 20000
KILLS ?= 150
DRILLS ?= 10
SYSCALLS ?= 10
HOURS ?= 200
CLOCK_SCRIPTS ?= 300
FUZZ_SECONDS ?= 180
SOAK_MINUTES ?= 3
VENV := .venv
BIN := $(VENV)/bin
WEB_SOURCES := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)

.PHONY: help setup services check format test demo bench clean campaigns crash powercut syscalls simulate fuzz soak offline

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

test: setup services ## all tests but the installers', real servers included, the demo among them
	$(BIN)/pytest -q -n 2 --dist worksteal --cov --cov-report= --ignore tests/integration/deploy tests
	$(BIN)/coverage report --skip-covered --sort=cover | tail -n 40

campaigns: powercut crash syscalls simulate fuzz soak ## a slice of every fault campaign, 30 minutes at most

powercut: setup ## power cuts at random moments of a journal's life; STATES=20000 SEED=today
	$(BIN)/python -m tests.crash.powercut --states $(STATES) --seed $(SEED) --jobs 2

crash: setup services ## kills of real programs, restores, rollbacks, clones; KILLS=150 DRILLS=10
	$(BIN)/python -m tests.crash.kills --kills $(KILLS) --seed $(SEED)
	$(BIN)/python -m tests.crash.drills --count $(DRILLS) --seed $(SEED)

syscalls: setup services ## every write and sync of a journal fails once; SYSCALLS=10 is a share in percent
	$(BIN)/python -m tests.crash.syscalls --share $(SYSCALLS) --seed $(SEED)

simulate: setup ## edges and central in one process on a fake clock; HOURS=200 CLOCK_SCRIPTS=300
	$(BIN)/python -m tests.simulation --hours $(HOURS) --seed $(SEED)
	$(BIN)/python -m tests.simulation --clock-scripts $(CLOCK_SCRIPTS) --seed $(SEED)

fuzz: setup ## every parser, from a saved corpus; FUZZ_SECONDS=180
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) --seed $(SEED)

soak: setup services ## a plant under faults: all stays flat; SOAK_MINUTES=3, and 35 days offline: EVENTS=60000000
	$(BIN)/python -m tests.soak --minutes $(SOAK_MINUTES) --seed $(SEED)
	$(if $(EVENTS),$(BIN)/python -m tests.soak.offline --events $(EVENTS))

offline: setup services ## a long time offline, then everything drains into a real central; EVENTS=2000000
	$(BIN)/python -m tests.soak.offline --events $(or $(EVENTS),2000000)

demo: setup ## a running plant; SECONDS=60 runs a minute, prints the score and ends
	$(BIN)/lineside-sim demo $(if $(filter-out 0,$(SECONDS)),--seconds $(SECONDS))

.PHONY: package
package: setup ## one file that installs or updates an edge offline, in dist/; PYTHONS="3.11 3.12"
	$(BIN)/python deploy/edge/build.py $(if $(PYTHONS),--python $(PYTHONS)) $(if $(ARCH),--arch $(ARCH)) $(if $(SIGN),--sign $(SIGN))

.PHONY: package-central
package-central: setup ## the same for central, with its site made by `init` and a nightly backup
	$(BIN)/python deploy/edge/build.py --product lineside-central $(if $(PYTHONS),--python $(PYTHONS)) $(if $(ARCH),--arch $(ARCH)) $(if $(SIGN),--sign $(SIGN))

.PHONY: installers
installers: package services ## install, update and go back with what `make package` built
	$(BIN)/pytest -q -n 2 --dist worksteal tests/integration/deploy

bench: setup ## measure every claim of benchmarks/README.md on this machine
	$(BIN)/python -m benchmarks

clean: ## remove what was built and installed
	rm -rf $(VENV) .setup dist lineside/web_dist web/node_modules tests/peers/node/node_modules
