# The one door. `make help` says what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PORT ?= 8000
export PORT

VENV := .venv
# what the demo's environment must hold: it is installed again when this changes
EXTRAS := $(strip $(if $(filter postgres%,$(DATABASE_URL)),postgres) $(if $(REDIS_URL),redis))
KEY := $(shell cat requirements.txt pyproject.toml | cksum | tr -d ' ')
READY := $(VENV)/.demo-$(KEY)$(patsubst %,-%,$(subst $() $(),-,$(EXTRAS)))

PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test lint python js browser bench faults fuzz mutants package clean

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
	  while IFS='	' read -r name text; do printf 'make %-9s %s\n' "$$name" "$$text"; done

demo: $(READY)  ## the demo shop on http://127.0.0.1:8000 (PORT= changes it)
	@$(VENV)/bin/python -c "" 2>/dev/null || \
	  { rm -f $(VENV)/.demo-*; $(MAKE) --no-print-directory $(READY); }
	@exec $(VENV)/bin/python -m project.demo

# An environment whose Python is gone, as after an upgrade, is made anew.
$(READY):
	@python=$$(.ci/find-python) || exit 1; \
	 if ! $(VENV)/bin/python -m pip --version >/dev/null 2>&1; then \
	   echo "Making $(VENV) with $$python"; \
	   "$$python" -m venv --clear $(VENV) || exit 1; \
	 fi
	@echo "Installing what the demo needs (once)"
	@$(PIP_INSTALL) -r requirements.txt
	@$(if $(EXTRAS),$(VENV)/bin/python .ci/extras.py $(EXTRAS) > $(VENV)/extras.txt && \
	  $(PIP_INSTALL) -r $(VENV)/extras.txt)
	@rm -f $(VENV)/.demo-* && touch $@

test:  ## everything: both Pythons, the page in Chromium, the linters, the wheel
	@$(CHECKS) all

lint:  ## ruff, mypy, import-linter
	@$(CHECKS) lint

python:  ## pytest in one cell, on SQLite and on the servers that are reachable
	@$(CHECKS) python

js:  ## node --test, tsc, Biome
	@$(CHECKS) javascript

browser:  ## the page in a real Chromium
	@$(CHECKS) browser

bench:  ## the app beside a bare consumer that keeps nothing: ratios, in two minutes
	@$(CHECKS) bench

faults:  ## kill everything at any moment (QUICK=1: a minute on SQLite; FAULTS="--seed 1")
	@QUICK="$(QUICK)" FAULTS="$(FAULTS)" && export QUICK FAULTS && $(CHECKS) faults

fuzz:  ## some thousands of requests made from the API's schema, with two users (FUZZ=30)
	@FUZZ="$(FUZZ)" && export FUZZ && $(CHECKS) fuzz

mutants:  ## plant faults in copies of the tree: the tests must find each (MUTANTS="no-fence")
	@MUTANTS="$(MUTANTS)" && export MUTANTS && $(CHECKS) mutants

package:  ## build the wheel and try it in an empty environment
	@$(CHECKS) package

clean:  ## remove what was made here, all but the demo's database
	rm -rf $(VENV) .venv-test node_modules build dist staticfiles test-results
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	find benchmarks chatkit_app project tests -name __pycache__ -prune -exec rm -rf {} +

CHECKS = python=$$(.ci/find-python) || exit 1; exec "$$python" .ci/checks.py
