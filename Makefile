# Everything happens in .venv, which is made once from requirements.lock with plain venv and pip.
# Another Python: make PYTHON=python3.12 <target>

PYTHON ?= python3
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made-with
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help environment run test test-all lint lock clean

# The stamp remembers the interpreter; naming another one makes the environment anew.
ifneq ($(origin PYTHON),file)
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(PYTHON))
.PHONY: $(STAMP)
endif
endif

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

environment: $(STAMP)  ## Make .venv with everything in requirements.lock (once)

define check_python
import sys
name, version = sys.argv[1], '.'.join(map(str, sys.version_info[:3]))
if not (3, 10) <= sys.version_info[:2] <= (3, 12):
    sys.exit('%s is Python %s, but Beadsmith needs 3.10, 3.11 or 3.12: name one, as in make PYTHON=python3.11 ...' % (name, version))
try:
    import ensurepip, venv
except ImportError:
    sys.exit('%s (Python %s) lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv) or name another, as in make PYTHON=python3.11 ...' % (name, version))
endef
export check_python

$(STAMP): requirements.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo '$(PYTHON) was not found: install Python 3.10, 3.11 or 3.12, or name one, as in make PYTHON=python3.11 ...' >&2; exit 1; }
	@"$(PYTHON)" -c "$$check_python" "$(PYTHON)"
	@echo "Making $(VENV) with $$("$(PYTHON)" --version); this happens once and takes a minute or two."
	@"$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/pip install -qq --requirement requirements.lock
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --editable .
	@echo '$(PYTHON)' > $@

run: environment  ## Calibrate Pebax at quick fidelity, at most 15 minutes on 2 cores
	@$(BIN)/beadsmith run examples/pebax/problem.yaml --fidelity quick --study studies/pebax $(ARGS)

test: environment  ## Run the tests, some 20 minutes on 2 cores (ARGS="-k name" for some of them)
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-all: environment  ## Run the tests, the slow ones too
	@$(BIN)/python -m pytest $(ARGS)

lint: environment  ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# One file for all three Pythons: `fewest` takes the newest version that serves them all, so that what is
# tested on one is what runs on the others. Pins that still fit stay; ARGS=--upgrade renews them.
lock:  ## Remake requirements.lock from pyproject.toml (ARGS=--upgrade renews every pin)
	@"$(PYTHON)" -m venv build/lock && build/lock/bin/pip install -qq uv
	@build/lock/bin/uv pip compile --quiet --universal --python-version 3.10 --fork-strategy fewest \
	  --extra atoms --extra dev --extra gp --annotation-style line --no-header --output-file requirements.lock $(ARGS) pyproject.toml >/dev/null
	@{ printf '# What `make` installs: one file for Python 3.10 to 3.12, made from pyproject.toml by `make lock`.\n'; \
	  printf '# The libraries of torch for graphics cards are left out: pip adds them where its build of torch wants them.\n'; \
	  grep -Ev '^(cuda|nvidia|triton)' requirements.lock; } > build/lock/new && mv build/lock/new requirements.lock

clean:  ## Remove .venv, caches and build products; studies stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
