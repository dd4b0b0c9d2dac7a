# The habits. `make` lists them; CI calls the same ones (.ci/run).

PYTHON ?= python3
SCENARIO ?= connection-leak
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup drill drills test check bench up

help: ## list the habits
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## a virtual environment with exactly what requirements.lock names

# The stamp makes this happen once; with nothing changed, no habit needs the network.
# `pip --python` installs into an environment without pip, so that Debian's python3 without venv's extras will do.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Watchkeeper needs Python 3.11 or newer; name one with PYTHON=...")'
	@test -x $(RUN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@echo "installing what requirements.lock names into $(VENV) (about two minutes the first time)"
	@$(PYTHON) -m pip --python $(RUN)/python --disable-pip-version-check install --quiet --require-hashes --requirement requirements.lock
	@$(PYTHON) -m pip --python $(RUN)/python --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

drill: $(READY) ## break the stand-in company and watch the repair (SCENARIO=bad-deploy SPEED=60 PERSON=denies REPORT=dir)
	@$(RUN)/watchkeeper drill $(SCENARIO) $(if $(SPEED),--speed $(SPEED)) $(if $(PERSON),--person $(PERSON)) $(if $(REPORT),--report $(REPORT))

drills: $(READY) ## every drill and its counterpart on one stack, every night with the clock moved, and one table (SPEED=120 OBSERVE=1 REPORT=dir)
	@$(RUN)/watchkeeper drill --all $(if $(OBSERVE),--observe) $(if $(SPEED),--speed $(SPEED)) $(if $(REPORT),--report $(REPORT))

test: $(READY) ## all tests; those in a browser need Debian's chromium
	@$(RUN)/pytest -n 2 --dist loadgroup

check: $(READY) ## format, lint, types, and which package may import which
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

bench: $(READY) ## the figures, each beside what it is compared to
	@$(RUN)/python -m benchmarks

up: $(READY) ## run everything on this machine until Ctrl-C
	@$(RUN)/watchkeeper up
