# Two commands do everything: `make run` and `make test`. Both begin with `make env`.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(name) 2>/dev/null),$(name))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= takes
MOVEMENT ?= smile
JOBS ?= 2
SYSTEM := libgl1 libglib2.0-0 libatomic1
# What Qt's window needs under X and Wayland; its wheels bring the rest.
SYSTEM += libegl1 libfontconfig1 libdbus-1-3 libpulse0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
SYSTEM += libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libwayland-cursor0
# Tests and pictures of the window open it on an X server without a screen; without it those tests are skipped and say so.
TOOLS := xvfb xdotool

# Holds for build environments too, so that nothing unpinned is ever fetched.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: env run test lint messages bench clean

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Glimpse needs Python 3.11 or newer; name one with make PYTHON=..."; exit 1; }
	@sh docs/install/system-packages.sh $(SYSTEM)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev,landmarks]"
	$(BIN)/python -m app.warmup
	@touch $(STAMP)

run: env
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then $(BIN)/glimpse --data $(DATA); else \
	echo "There is no display here: recording one take on the simulated rig without a window (15 s) ..."; \
	$(BIN)/glimpse record --data $(DATA) --subject 1 --movement $(MOVEMENT) --camera sim --rgb sim --thermal sim; fi

test: env lint
	@sh docs/install/system-packages.sh --optional $(TOOLS)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

messages: env
	$(BIN)/python docs/translating/messages.py

bench: env
	$(BIN)/python benchmarks/aedat4_writer.py
	$(BIN)/python benchmarks/record.py
	$(BIN)/python benchmarks/event_pixel.py
	$(BIN)/python benchmarks/simulate.py
	$(BIN)/python benchmarks/paper.py
	$(BIN)/python benchmarks/sync.py
	$(BIN)/python benchmarks/face.py
	$(BIN)/python benchmarks/onset.py
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/resemblance.py --subjects 30
	$(BIN)/python benchmarks/label.py
	$(BIN)/python benchmarks/gui.py
	$(BIN)/python benchmarks/rigcheck.py
	$(BIN)/python benchmarks/models_encoding.py
	$(BIN)/python benchmarks/models_inference.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
