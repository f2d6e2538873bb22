# The two commands of the README are `make demo` and `make test`. Everything lives in .venv of this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.ready
export PATH := $(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export DVC_NO_ANALYTICS := true
# a file's tests share what it has built, so they stay together; tests/conftest.py puts the longest file first
PYTEST := PYTHONPATH=.path pytest tests --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: setup demo test quick check bench ui server lab lock

setup: $(READY)

# uv comes from the package index by pip and installs exactly what the lock names, checked by hash; libraries are compiled
# once, since where PYTHONDONTWRITEBYTECODE is set every process would compile them anew
$(READY): requirements.lock setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "setting up $(VENV) from requirements.lock (once)"
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --editable .
	touch $(READY)

# DVC runs one stage at a time. Stages that do not wait for one another are run by two of it, a core for each: -s keeps
# each to its own stages (both would lock those before, which are up to date). The last line runs whatever is left.
pair = dvc --wait-for-lock repro -s $(1) & first=$$!; dvc --wait-for-lock repro -s $(2); second=$$?; \
	wait $$first && exit $$second

demo: setup
	dvc repro ingest
	$(call pair,features,assignments applications)
	$(call pair,churn value,segmentation promotion credit follow_up support)
	dvc repro govern
	$(call pair,score score_credit score_promotion,score_segments score_value feedback)
	$(call pair,monitor,decide risk)
	$(call pair,oracle,report)
	dvc repro
	afraz sync --quick
	afraz summary

test: setup
	$(PYTEST) --doctest-modules --pyargs afraz

quick: setup
	$(PYTEST) -m "not slow" -x

check: setup
	ruff check .
	ruff format --check .
	MYPYPATH=.path mypy
	PYTHONPATH=.path lint-imports

bench: setup
	afraz bench

ui: setup
	afraz ui

server: setup
	afraz server

lab: setup
	afraz lab

lock:
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--upgrade requirements.in -o requirements.lock
