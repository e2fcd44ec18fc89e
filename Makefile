# Every verb of the project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLIENTS := .clients

.PHONY: help setup demo test clients test-slow check fix clean

help:            ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 16

setup: $(READY)  ## make the environment and install everything into it

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

demo: setup      ## watch the bundled model write a story, canvas by canvas
	$(BIN)/gesso generate "Once upon a time" --seed 12 --watch --pace 0.12

test: setup      ## run the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

clients: setup $(CLIENTS)/.ready  ## drive the server with clients that are installed apart
	GESSO_CLIENTS=$(CLIENTS) $(BIN)/python -m pytest -m clients tests/server

$(CLIENTS)/.ready: $(addprefix tests/server/clients/,requirements.txt constraints.txt package.json)
	$(PYTHON) -m venv $(CLIENTS)
	cd tests/server/clients && $(abspath $(CLIENTS))/bin/python -m pip install --quiet -r requirements.txt -c constraints.txt
	cp tests/server/clients/package.json $(CLIENTS)/
	npm install --prefix $(CLIENTS) --no-audit --no-fund
	@touch $@

test-slow: setup ## run the checks that take minutes
	$(BIN)/python -m pytest -m slow

check: setup     ## lint, types, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup       ## format and mend what can be mended by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:           ## remove the environment and caches
	rm -rf $(VENV) $(CLIENTS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
