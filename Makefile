# Every target does its own set-up; only Python 3.10+ and make are required.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-core
LINTERS := $(VENV)/.installed-lint
RUFF := $(VENV)/.installed-ruff
HOST := $(VENV)/.installed-slicer-host
CONTOURS := $(VENV)/.installed-contours
WORKERS ?= 2# processes that share the tests, each with one thread; 0 runs them in this process
WINDOWS ?= 2# processes that share the tests of the Slicer module; each has its own display
CHECKED := LaMoDCore LaMoDSlicer Testing experiments
PYTEST := $(BIN)/python -m pytest
SHARED := $(PYTEST) -n $(WORKERS) --dist worksteal

.PHONY: demo test test-library test-slicer fuzz hostile signals test-core lint lint-fast coverage slicer-host test-in-slicer screenshots file-lists reference clean

demo: $(INSTALLED) $(CONTOURS) ## run the whole pipeline on the built-in heart and print the path of the report
	$(BIN)/lamod demo --out demo-output

test: $(INSTALLED) $(CONTOURS) $(HOST) ## run every test; tests whose requirements are missing on this machine are skipped with the reason
	@$(MAKE) --no-print-directory --jobs=2 test-library test-slicer

test-library: ## run every test but those of the Slicer module
	$(SHARED) Testing --ignore=Testing/Slicer

# In a separate process, because its windows and VTK must not share one with torch. Its output follows when it has ended.
test-slicer: ## run the tests of the Slicer module
	@$(PYTEST) -n $(WINDOWS) --dist loadfile --no-loadscope-reorder Testing/Slicer > $(VENV)/slicer-tests.log 2>&1; \
	status=$$?; cat $(VENV)/slicer-tests.log; exit $$status

fuzz: $(INSTALLED) ## mutate headers and bytes of valid files for a minute, or SECONDS=N
	$(BIN)/python Testing/fuzz --seconds $(or $(SECONDS),60)

hostile: $(INSTALLED) $(CONTOURS) ## try every malicious and odd input on every command; takes minutes, Linux only
	$(BIN)/python Testing/hostile

signals: $(INSTALLED) ## interrupt six commands by three signals at three moments each; takes ten minutes or more, Linux only
	$(BIN)/python -m Testing.signals

test-core: $(INSTALLED) $(CONTOURS) ## run the tests of LaMoDCore only
	$(SHARED) Testing/Core

lint-fast: $(RUFF) ## check style and format, as CI does before the tests; takes seconds
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/oxlint LaMoDCore/report/html/assets
	$(BIN)/lint-imports --no-logo --no-cache

coverage: $(LINTERS) ## measure which lines of LaMoDCore its tests run; takes a quarter of an hour
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest Testing/Core
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --sort=cover --skip-covered

lint: lint-fast $(LINTERS) ## check style, format and types
	$(BIN)/mypy

slicer-host: $(HOST) ## open the Slicer module in a live window, without Slicer
	$(BIN)/python -m Testing.SlicerHost

test-in-slicer: ## run self-test, workflow and pictures in a genuine Slicer: SLICER=/path/to/Slicer, INSTALL=1 to install packages into it
	$(PYTHON) Testing/InSlicer/launch.py --slicer "$(SLICER)" $(if $(INSTALL),--install)

screenshots: $(HOST) $(CONTOURS) ## update Resources/Screenshots, the tutorial, and flow-pictures/ in every size and style
	LAMOD_SCREENSHOTS=1 $(PYTEST) Testing/Slicer --ignore=Testing/Slicer/test_flows.py
	$(BIN)/lamod demo --out demo-output && cp demo-output/report.png Resources/Screenshots/report-demo.png
	$(BIN)/python -m Testing.SlicerHost.small_pictures Resources/Screenshots
	@for screen in 1280x800 1024x768; do for style in light dark; do \
		echo "$$screen, $$style style"; \
		LAMOD_SCREENSHOTS=1 LAMOD_SCREEN=$$screen LAMOD_STYLE=$$style $(PYTEST) Testing/Slicer/test_flows.py || exit 1; \
	done; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,dense,dicom,html,train]"
	touch $@

$(RUFF): constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt ruff import-linter oxlint
	touch $@

$(LINTERS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[lint]"
	touch $@

# The weights of the contour engine are in a package whose own requirements are not needed; its licences come first.
$(CONTOURS): $(INSTALLED)
	@$(BIN)/python -c "from LaMoDCore.contours.automatic.registry import find_engine; print(find_engine().notice)"
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[contours]"
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps myopari==0.1.6
	touch $@

# slicer-core and PySide6 are not available for every platform; without them the Slicer tests are skipped.
$(HOST): $(INSTALLED)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[slicer-host]"
	touch $@

file-lists: $(INSTALLED) ## update the files.cmake of LaMoDCore and LaMoDSlicer after adding or removing a file
	$(BIN)/python Testing/SlicerBuild/file_lists.py

reference: $(INSTALLED) ## the generated pages of docs/reference: commands, training settings, Python API
	$(BIN)/python docs/generate_reference.py

clean:
	rm -rf $(VENV) demo-output
