# The only entry points that people and CI use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
# Without compiled files every process of a federation compiles hundreds of modules before it answers.
unexport PYTHONDONTWRITEBYTECODE

help: ## list what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

venv: $(VENV)/.ready ## create the environment from pinned, hashed requirements

demo: venv ## start a federation on this machine and play the story (ARGS=--once ends after it)
	$(BIN)/relevo demo $(ARGS)

test: venv ## the whole suite, on SQLite and on a PostgreSQL of its own (ARGS=... goes to pytest)
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS) # three keep two cores busy: tests wait for processes and disks

check: venv ## linters, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

pathways: venv ## play every route and story between real services, and print what came of each (ARGS="V05" for some)
	$(BIN)/relevo pathway play $(if $(ARGS),$(ARGS),--all)

openapi: venv ## write openapi/*.json and the generated docs again
	$(BIN)/relevo openapi
	$(BIN)/python -m docs.generate

bench: venv ## measure; prints a table (ARGS=--quick for a short run)
	$(BIN)/python -m tests.benchmarks $(ARGS)

pins: venv ## resolve requirements/*.txt again
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --python-version 3.11 --extra node --extra gateway --extra client pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --python-version 3.11 --extra node --extra gateway --extra client --group dev pyproject.toml \
	  -c requirements/run.txt -o requirements/dev.txt

.PHONY: help venv demo test check pathways openapi bench pins
