# Every target does its own set-up from nothing but Python 3.10+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-core
LINTERS := $(VENV)/.installed-lint
RUFF := $(VENV)/.installed-ruff
HOST := $(VENV)/.installed-slicer-host
WORKERS ?= 2# processes that share the tests, each on one thread; 0 for one that is followed easily
CHECKED := LaMoDCore LaMoDSlicer Testing experiments
PYTEST := $(BIN)/python -m pytest
SHARED := $(PYTEST) -n $(WORKERS) --dist worksteal

.PHONY: demo test fuzz test-core lint lint-fast coverage slicer-host screenshots file-lists reference clean

demo: $(INSTALLED) ## the whole job on the built-in heart: ends by naming the report it wrote
	$(BIN)/lamod demo --out demo-output

test: $(INSTALLED) $(HOST) ## every test; those that lack something on this machine are skipped and say so
	$(SHARED) Testing --ignore=Testing/Slicer
	$(PYTEST) Testing/Slicer # in a process of its own: its windows and VTK stay apart from torch

fuzz: $(INSTALLED) ## mutate headers and bytes of valid files for a minute; SECONDS=N for longer
	$(BIN)/python Testing/fuzz --seconds $(or $(SECONDS),60)

test-core: $(INSTALLED) ## LaMoDCore's tests only
	$(SHARED) Testing/Core

lint-fast: $(RUFF) ## what CI runs before the tests: seconds
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/lint-imports --no-logo --no-cache

coverage: $(LINTERS) ## lines of LaMoDCore that its tests reach; a quarter of an hour of processor time
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest Testing/Core
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --sort=cover --skip-covered

lint: lint-fast $(LINTERS) ## the same, and types
	$(BIN)/mypy

slicer-host: $(HOST) ## the Slicer module in a live window, without Slicer
	$(BIN)/python -m Testing.SlicerHost

screenshots: $(HOST) ## the module's pictures in Resources/Screenshots anew, by the tests that take them; else tests leave them alone
	LAMOD_SCREENSHOTS=1 $(PYTEST) Testing/Slicer

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,dense,train]"
	touch $@

$(RUFF): constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt ruff import-linter
	touch $@

$(LINTERS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[lint]"
	touch $@

# slicer-core and PySide6 exist for some platforms only: without them the Slicer tests are skipped.
$(HOST): $(INSTALLED)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[slicer-host]"
	touch $@

file-lists: $(INSTALLED) ## LaMoDCore/files.cmake anew, after a file of the library came or went
	$(BIN)/python Testing/SlicerBuild/file_lists.py

reference: $(INSTALLED) ## the generated pages of docs/reference: commands, training settings, Python API
	$(BIN)/python docs/generate_reference.py

clean:
	rm -rf $(VENV) demo-output
