# The one list of commands: CI and contributors run the same.
PYTHON ?= python

.PHONY: all install lint format types test test-slow minimum docs audit

all: lint types test docs

install:
	$(PYTHON) -m pip install -e ".[dev]"

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

test-slow:
	$(PYTHON) -m pytest -m slow

# With the oldest versions that pyproject.toml allows; needs the network and python3.11.
minimum:
	.ci/minimum

docs:
	$(PYTHON) -m sphinx -b html -W --keep-going docs docs/_build/html

# Known vulnerabilities in what is installed; needs the network, and `pip install pip-audit`.
# Strict: what could not be looked up is no good news.
audit:
	$(PYTHON) -m pip freeze --exclude-editable --exclude sknumclip | \
		$(PYTHON) -m pip_audit --strict --disable-pip --no-deps --requirement /dev/stdin
