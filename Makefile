# Every developer command. The first use of one makes .venv and installs what constraints.txt pins; the next starts at once.

PYTHON ?= python3
BIN := .venv/bin
DATA ?=
JOBS ?= 2
TESTS ?=
SPEED ?=
READY := .venv/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test check bench speed docs readme package lowest newest format clean

help:            ## list the commands
	@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

demo: $(READY)   ## train, measure, report, export and verify, offline, in three minutes (DATA=folder: your own photos)
	@rm -rf runs/demo
	$(BIN)/marginface demo $(if $(DATA),--data '$(DATA)') --out runs/demo

test: $(READY)   ## run the tests, two files at a time (JOBS=0: one after the other)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

check: $(READY)  ## format, lint, types, import layers, size rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/architecture

bench: $(READY)  ## milliseconds per face of each step of the use road, one core (DATA=folder: your own photos)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/use_road.py $(DATA)

speed: $(READY)  ## every benchmark of speed in one run of 25 minutes on a quiet machine (DATA=folder of people; SPEED=options)
	$(BIN)/python benchmarks/speed.py $(if $(DATA),--photos '$(DATA)') $(SPEED)

docs: $(READY)   ## the documentation as a site that opens without a network or a server: site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "Open site/index.html"

readme: $(READY) ## write the generated parts of README.md anew: losses, commands, tree, figures
	PYTHONPATH=docs $(BIN)/python -m generator.front_page

package: $(READY) ## build the wheel and the sdist, install the wheel in an empty environment and use it
	$(BIN)/python .ci/package.py

lowest:          ## the tests on the lowest versions that pyproject.toml allows (TESTS=...: a part)
	$(PYTHON) .ci/versions.py lowest $(TESTS)

newest:          ## the tests on the newest versions of everything but torch (TESTS=...: a part)
	$(PYTHON) .ci/versions.py newest $(TESTS)

format: $(READY) ## format and sort imports
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:           ## remove what these commands made; trainings in runs/ stay
	rm -rf .venv .venv-lowest .venv-newest dist runs/demo site .mypy_cache .ruff_cache .pytest_cache .hypothesis
