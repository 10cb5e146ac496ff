# The commands that README names. Each installs what it needs first; a second call starts in seconds.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-fast lint format train-demo clean

run: .venv/run.stamp
	$(BIN)/streamlit run streamlit_app.py

# Whatever the shell says: without it, each test process rewrites all assertions anew, for a quarter of a minute.
unexport PYTHONDONTWRITEBYTECODE

# Two processes side by side, each with whole files: fixtures of a module are made once.
SIDE_BY_SIDE := -n 2 --dist loadfile

test: .venv/dev.stamp
	$(BIN)/python -m pytest -m "not browser" $(SIDE_BY_SIDE)
	$(BIN)/python -m pytest -m browser $(SIDE_BY_SIDE) tests/browser

# Without PostgreSQL, the browser, and what is slow.
test-fast: .venv/dev.stamp
	$(BIN)/python -m pytest -m "not slow and not postgresql and not browser" $(SIDE_BY_SIDE)

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

.venv/run.stamp: requirements.txt .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@bash scripts/system-libraries
	@touch $@

.venv/dev.stamp: requirements-dev.txt requirements-lora.txt requirements-oidc.txt requirements-quantization.txt scripts/postgresql .venv/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@bash scripts/browser
	@bash scripts/postgresql
	@touch $@

clean:
	rm -rf .venv
