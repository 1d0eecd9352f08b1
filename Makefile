# Needs Python >= 3.11 and make, nothing else.  `make` alone prints what there is.
#
#   PYTHON=...       the Python that makes .venv (default: the newest found that is >= 3.11)
#   EXTRAS=...       more groups of pyproject.toml for make lab, for example EXTRAS=search,export
#   PIP_ARGS=...     more arguments for pip install
#   TORCH_INDEX=...  where torch comes from on Linux without an NVIDIA driver; empty: from pip's own index
#   JOBS=2           processes that share the tests

VENV := .venv
PY := $(VENV)/bin/python
JOBS ?= 2
# PyTorch's own index of builds for the CPU: taken on Linux where there is no NVIDIA driver (2.5 GB less to download).
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
comma := ,
INSTALL = TORCH_INDEX='$(TORCH_INDEX)' $(PY) tools/install.py

# One thread per test process: the arrays are small, and two processes must not fight for the cores.
# What is compiled is kept, whatever the shell says: else each of some fifty processes compiles the package anew.
TEST_ENV := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg

.DEFAULT_GOAL := help
.PHONY: help .python env lab test quick test-long mutants lint .types .style .tests notebooks check-notebooks bench bench-widgets site lowest colab clean

help:  ## print this list
	@echo "ragteach: a notebook course on multi-task learning. First: make lab"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

env: .python  ## make .venv and install everything in it (quick the second time)
	@$(INSTALL) all -- $(PIP_ARGS)

# A Python that is new enough, and .venv made with it, if there is none that works.
.python:
	@if ! $(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		good=; old=; bare=; \
		for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
			command -v "$$python" >/dev/null 2>&1 || continue; \
			version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
			"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { old="$$old $$python=$$version"; continue; }; \
			"$$python" -c 'import venv, ensurepip' 2>/dev/null || { bare="$$bare $$python=$$version"; continue; }; \
			good=$$python; break; \
		done; \
		if [ -z "$$good" ] && [ -n "$$bare" ]; then \
			echo "Expected: a Python >= 3.11 that can make virtual environments" >&2; \
			echo "Got:     $$bare, without the modules venv and ensurepip" >&2; \
			echo "What to do: on Debian or Ubuntu, apt-get install python3-venv; then run make again" >&2; exit 1; \
		elif [ -z "$$good" ]; then \
			echo "Expected: Python >= 3.11 on the PATH" >&2; \
			echo "Got:     $${old:- no Python}" >&2; \
			echo "What to do: install Python 3.11 or newer, or name it: make env PYTHON=/path/to/python3" >&2; exit 1; \
		fi; \
		echo "Making $(VENV) with $$good"; \
		"$$good" -m venv --clear $(VENV); \
	fi

# Localhost and a token always; no browser where there is no display; what Jupyter asks of root, only for root.
lab: .python  ## set up what the lessons need, start JupyterLab on your copy of them, print its address
	@$(INSTALL) lab$(if $(EXTRAS),$(comma)$(EXTRAS)) -- $(PIP_ARGS)
	@$(PY) -m ragteach course my_course
	@flags=; \
	if [ "$$(id -u)" = 0 ]; then flags="$$flags --allow-root"; fi; \
	if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then flags="$$flags --no-browser"; fi; \
	echo "Starting JupyterLab; open the address below that starts with http://localhost (Ctrl-C twice stops it)"; \
	exec $(PY) -m jupyterlab --config=tools/jupyter_config.py $$flags

# Two processes share the tests: one file, one lesson with its notebooks, or all of the browser's tests stay together.
SHARED := -n $(JOBS) --dist loadgroup --no-loadscope-reorder

# Types are checked beside the tests: half a minute of a core that waits for a browser now and then.
test: env  ## run every test and check
	@$(MAKE) --no-print-directory .style
	@$(MAKE) --no-print-directory -j 2 .types .tests
	$(TEST_ENV) $(PY) -m pytest $$(grep -rl --include='test_*.py' 'mark.timing' tests) -m timing $(PYTEST_ARGS)

.tests:
	$(TEST_ENV) $(PY) -m pytest $(SHARED) -m "not timing and not long" --durations=60 --durations-min=3 $(PYTEST_ARGS)

quick: lint  ## after every save: the core, its laws, style and spelling
	$(TEST_ENV) $(PY) -m pytest -q -x -n $(JOBS) tests/core tests/project/test_rooms.py $(PYTEST_ARGS)

test-long: env  ## experiments at full size, more draws, and more variants than make test takes
	$(TEST_ENV) $(PY) -m pytest $(SHARED) -m long $(PYTEST_ARGS)

# MUTANTS: how many, SEED: which, MODULES: where (default: files of core, engine and study that differ from main).
# Stopped or done, the same line goes on: what results/mutants/seed_SEED.txt calls killed is not tried again.
mutants: env  ## break the code in many small ways, and list what no test notices
	$(TEST_ENV) $(PY) tests/mutants.py --n $(or $(MUTANTS),40) --seed $(or $(SEED),0) $(MODULES)

lint: env  ## check style, spelling and types
	@$(MAKE) --no-print-directory -j 2 .types .style

.types:
	$(PY) -m mypy

.style:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m codespell_lib
	$(PY) tools/check_js.py

notebooks: env  ## generate and execute the notebooks from notebooks/_source
	$(TEST_ENV) $(PY) notebooks/_source/build.py

check-notebooks: env  ## fail if the notebooks differ from notebooks/_source
	$(PY) notebooks/_source/build.py --check

colab: env  ## run every lesson on Colab's versions, and compare what it prints (about fifteen minutes)
	$(TEST_ENV) $(PY) tests/colab.py

bench: env  ## measure the engine against other libraries (about ten minutes)
	OMP_NUM_THREADS=2 $(PY) tests/bench/bench_engine.py
	OMP_NUM_THREADS=2 $(PY) tests/bench/scale.py --quick

lowest: env  ## install the lowest versions we allow beside .venv, and run the tests that lean on them
	$(TEST_ENV) $(PY) tools/lowest.py

bench-widgets: env  ## measure how fast the widgets answer in a real browser
	$(PY) tests/bench/bench_widgets.py

site: env  ## build the web site, to open from disk: site/index.html
	$(PY) tools/site/make.py site

class: env  ## make the zip for students and the zip for teachers: class/
	$(PY) -m ragteach kit class

clean:  ## remove what make, python and the tests left, .venv too
	rm -rf $(VENV) build dist site class results *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
