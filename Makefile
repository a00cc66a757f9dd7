# Two commands do everything: `make run` and `make test`. Both begin with `make env`.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(name) 2>/dev/null),$(name))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= takes
MOVEMENT ?= smile
SYSTEM := libgl1 libglib2.0-0 libatomic1

# Holds for build environments too, so that nothing unpinned is ever fetched.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: env run test lint bench clean

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Glimpse needs Python 3.11 or newer; name one with make PYTHON=..."; exit 1; }
	@sh docs/install/system-packages.sh $(SYSTEM)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev,landmarks]"
	@touch $(STAMP)

run: env
	@echo "Recording one take on the simulated rig (15 s) ..."
	@$(BIN)/glimpse record --data $(DATA) --subject 1 --movement $(MOVEMENT) --camera sim --rgb sim --thermal sim

test: env lint
	$(BIN)/python -m pytest

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: env
	$(BIN)/python benchmarks/aedat4_writer.py
	$(BIN)/python benchmarks/record.py
	$(BIN)/python benchmarks/event_pixel.py
	$(BIN)/python benchmarks/simulate.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
