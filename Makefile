# Two commands do everything: `make demo` and `make test`.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check bench screenshots engines clean

demo: $(VENV)/.runtime
	@$(BIN)/treering demo

test: $(VENV)/.dev engines
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

bench: $(VENV)/.dev
	$(BIN)/python tests/bench/graph.py
	$(BIN)/python tests/bench/readers.py
	$(BIN)/python tests/bench/diff.py
	$(BIN)/python tests/bench/places.py
	$(BIN)/python tests/bench/screen.py
	$(BIN)/python tests/bench/terminal.py

screenshots: $(VENV)/.dev
	$(BIN)/python -m pytest tests/tui --snapshot-update

engines:
	@sh tests/real/install.sh

$(VENV)/.runtime: pyproject.toml
	@test -n "$(PYTHON)" || { echo "treering needs Python 3.11 or newer with the venv module (Debian: apt install python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(PIP) install --group dev
	@touch $@

clean:
	rm -rf $(VENV) build dist
