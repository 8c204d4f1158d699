# Every verb makes what it needs, in .venv at the root. Pass options with ARGS="…".
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= 3
# Where bytecode is not written by itself, every start of a service would compile all it imports anew.
COMPILED = $(BIN)/python -m compileall -q -j 2 $(VENV)/lib shared services griddispatch >/dev/null || true

.PHONY: demo bench test chaos check lint types architecture contract supply sbom branches check-api audit up lock clean

demo: $(VENV)/.demo  ## the whole loop in one terminal: no Docker, no JVM
	@$(BIN)/griddispatch demo $(ARGS)

bench: $(VENV)/.demo  ## measure this machine: --quick takes three minutes, --micro needs no stores
	@$(BIN)/griddispatch bench $(ARGS)

test: $(VENV)/.dev  ## every test; brings its own PostgreSQL and brokers
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

chaos: $(VENV)/.dev  ## break things on three brokers, and check from outside: ARGS="--gate", "--mutants", "--help"
	$(BIN)/python -m tests.chaos $(or $(ARGS),--gate)

check: lint types architecture contract supply branches  ## linter, types, architecture, contract, supply, branches of the cores

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell shared services griddispatch tests deploy docs *.md
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml deploy/compose/cluster.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/hadolint deploy/Dockerfile

types: $(VENV)/.dev
	$(BIN)/mypy

architecture: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/architecture

contract: $(VENV)/.dev  ## the contract's files are what the models say, and break no released one
	$(BIN)/griddispatch contract check
	$(BIN)/griddispatch contract breaking

supply: $(VENV)/.dev  ## locks by hash, licences, no secrets; and what is known against the versions, where it can be asked
	$(BIN)/python -m pytest -q tests/supply
	$(BIN)/python -m tests.supply.vulnerabilities

sbom: $(VENV)/.dev  ## what the services run on, as CycloneDX
	@$(BIN)/python deploy/make_sbom.py requirements/runtime.txt

check-api: $(VENV)/.dev  ## draw from the three OpenAPI documents at length, with every check: ARGS="-k 2" for one seed
	GRIDDISPATCH_API_EXAMPLES=20 GRIDDISPATCH_API_PHASES=examples,coverage,fuzzing \
	  $(BIN)/python -m pytest -q tests/access/test_documents_hold.py $(ARGS)

branches: $(VENV)/.dev  ## the tests of values walk 95 % of the branches of every core: no stores, no brokers
	$(BIN)/python -m pytest -q --numprocesses $(WORKERS) --dist worksteal tests/core tests/packs tests/area tests/triage/test_combining.py \
	  --cov services --cov-branch --cov-report= --cov-report=json:.coverage.json
	$(BIN)/python -m tests.branches .coverage.json

audit: $(VENV)/.dev  ## print who may call what: every route, every role, here and elsewhere; fails on a blank cell
	@$(BIN)/griddispatch audit matrix $(ARGS)

up:  ## one machine, real parts
	deploy/compose/make-secrets.sh
	docker compose up --build $(ARGS)

lock:  ## make the lock files anew (needs uv)
	for extra in runtime demo dev; do \
	  options=$$(case $$extra in demo) echo --extra embedded;; dev) echo --extra embedded --group dev;; esac); \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url $$options pyproject.toml -o requirements/$$extra.txt; \
	done

clean:
	rm -rf $(VENV) .griddispatch .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# The environment for tests serves the demo too.
$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	@test -f $(VENV)/.dev || $(BIN)/pip install --quiet --require-hashes -r requirements/demo.txt
	@$(BIN)/pip install --quiet --no-deps --editable .
	@$(COMPILED)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	@$(COMPILED)
	@touch $@ $(VENV)/.demo
