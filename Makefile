# The commands that README names. Each installs what it needs first; a second call starts in seconds.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-ray test-fast lint format train-demo clean

run: .venv/run.stamp
	$(BIN)/streamlit run streamlit_app.py

# Whatever the shell says: without it, each test process rewrites all assertions anew, for a quarter of a minute.
unexport PYTHONDONTWRITEBYTECODE

# Each process with whole files: fixtures of a module are made once. The order is tests/conftest.py's.
SIDE_BY_SIDE := --dist loadfile --no-loadscope-reorder

# Four on two processors: the two halves of the tests in the browser wait half of their time.
test: .venv/test.stamp
	$(BIN)/python -m pytest -m "not ray" -n 4 $(SIDE_BY_SIDE)

# Painters and their dispatcher, which fill the processors by themselves.
test-ray: .venv/dev.stamp
	$(BIN)/python -m pytest -m ray

# Without PostgreSQL, buckets, the browser, and what is slow.
test-fast: .venv/dev.stamp
	$(BIN)/python -m pytest -m "not slow and not postgresql and not s3 and not browser and not ray" -n 2 $(SIDE_BY_SIDE)

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(BIN)/pyright --version >/dev/null 2>&1 || \
		{ echo "pyright cannot be installed here: types are not checked"; test -z "$$CI"; exit; }; \
		$(BIN)/pyright

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

train-demo: .venv/run.stamp
	$(BIN)/python -m training

.venv/bin/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "bgen needs Python 3.11 or newer: install it, or say where it is with PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

# Python compiles what it imports at the first import; pip would compile 19,000 files for a minute, most of them for nothing.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile

.venv/run.stamp: requirements.txt .venv/bin/python
	$(INSTALL) -r requirements.txt
	@bash scripts/system-libraries
	@touch $@

# What the program needs is among it, and one call of pip is quicker than two.
.venv/dev.stamp: $(wildcard requirements*.txt) .venv/bin/python
	$(INSTALL) -r requirements-dev.txt
	@bash scripts/system-libraries
	@touch .venv/run.stamp $@

# Programs that tests start: types can be checked meanwhile (make -j2 lint test).
.venv/test.stamp: scripts/browser scripts/postgresql .venv/dev.stamp
	@bash scripts/browser
	@bash scripts/postgresql
	@touch $@

clean:
	rm -rf .venv
