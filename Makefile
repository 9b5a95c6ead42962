# The one list of commands: CI and contributors run the same. Each sets up what it needs in a
# virtual environment of its own; repeated, it uses what is there.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python -m

.PHONY: all quickstart install lint format types test test-slow minimum docs audit

all: lint types test docs

quickstart: $(VENV)/.plot
	$(VENV)/bin/python examples/plot_01_quickstart.py

install: $(VENV)/.dev

# The package, editable, with one set of its extras.
$(VENV)/.%: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --editable ".[$*]"
	touch $@

lint: $(VENV)/.dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .

format: $(VENV)/.dev
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

types: $(VENV)/.dev
	$(RUN) mypy

# Two processes with one thread each: most tests are too small for two threads to help. A file is
# run by one of them, so that what its tests share is made once. In the order of their names, long
# files do not all come last.
test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/.test
	$(RUN) pytest -m slow

# With the oldest versions that pyproject.toml allows; needs the network and python3.11.
minimum:
	.ci/minimum

docs: $(VENV)/.dev
	$(RUN) sphinx -b html -W --keep-going docs docs/_build/html

# Known vulnerabilities in what is installed; needs the network.
# Strict: what could not be looked up is no good news.
audit: $(VENV)/.dev
	$(RUN) pip install --quiet pip-audit
	$(RUN) pip freeze --exclude-editable --exclude sknumclip | \
		$(RUN) pip_audit --strict --disable-pip --no-deps --requirement /dev/stdin
