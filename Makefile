# The daily commands; `make help` lists them. Everything is installed into the private environment .venv.
#
#   make run FILE=my.nnviz          open a file
#   make test ARGS="-k trace -x"    arguments for pytest
#   make run PYTHON=python3.12      another interpreter for .venv (after `make clean`)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTHON ?=
FILE ?=
ARGS ?=

# An environment whose interpreter is gone (Python was upgraded) is made anew.
$(shell test -x $(BIN)/python || rm -f $(VENV)/installed $(VENV)/installed-dev $(VENV)/installed-bench)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run venv venv-dev venv-bench test lint format screenshots bench clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

run: venv ## install into .venv if need be, and open the program (FILE=... opens a file)
	@$(BIN)/python -m nnviz_app $(if $(FILE),"$(FILE)")

test: venv-dev ## the tests (ARGS=... for pytest)
	$(BIN)/python -m pytest $(ARGS)

lint: venv-dev ## format, lint, types, direction of imports: all must be clean
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy core nnviz_app
	$(BIN)/lint-imports

format: venv-dev ## format the code and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

screenshots: venv ## the pictures of the README, into docs/images
	$(BIN)/python -m nnviz_app.screenshots docs/images

bench: venv-bench ## the benchmarks (needs PyTorch and scikit-learn, which it installs)
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/edge_layer.py
	$(BIN)/python benchmarks/window.py

clean: ## remove .venv and all caches
	rm -rf $(VENV) build dist *.egg-info .coverage htmlcov .hypothesis .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv: $(VENV)/installed
venv-dev: $(VENV)/installed-dev
venv-bench: $(VENV)/installed-bench

# The first interpreter of 3.11 to 3.14 that can make environments; Debian has that part in a package of its own.
$(BIN)/python:
	@usable=; without=; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.14 python); do \
	  "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || continue; \
	  if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then usable="$$python"; break; fi; \
	  without="$${without:-$$python}"; \
	done; \
	if [ -z "$$usable" ] && [ -n "$$without" ]; then \
	  version=$$("$$without" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$$without cannot create environments; on Debian or Ubuntu: sudo apt-get install python$$version-venv" >&2; \
	  exit 1; \
	elif [ -z "$$usable" ]; then \
	  echo "nnviz needs Python 3.11 to 3.14, and $(or $(PYTHON),python3) is not one; name yours with: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "Creating $(VENV) with $$("$$usable" --version) ..."; \
	"$$usable" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: pyproject.toml | $(BIN)/python
	@echo "Installing nnviz into $(VENV) (once, about a minute) ..."
	@$(PIP) install --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing nnviz and its development tools into $(VENV) (once, about a minute) ..."
	@$(PIP) install --editable '.[dev]'
	@touch $(VENV)/installed $@

$(VENV)/installed-bench: pyproject.toml | $(BIN)/python
	@echo "Installing nnviz and what its benchmarks compare it with into $(VENV) (once, some minutes) ..."
	@$(PIP) install --editable '.[bench]'
	@touch $(VENV)/installed $@
