# Everything from a clean clone: each target makes the environment it needs first, once. `make help` lists them.
#
# The environment is made by pip alone. uv would take 20 seconds less, once per clone; but uv does not read pip's
# configuration, and that is where a company says which mirror and which certificates to use. So there is one way.
# It is quick enough because pip itself is taken from the lock first (half the time of the pip that Python brings)
# and because byte code is compiled afterwards, on all cores.

.DEFAULT_GOAL := drill
.DELETE_ON_ERROR:
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

PLAN        ?= f
ENVIRONMENT ?= sandbox
FAULT       ?=
MODE        ?=
SEED        ?=
RECORDS     ?=
ARGS        ?=

VENV ?= .venv
PY   := $(VENV)/bin/python
PIP  := $(PY) -m pip --disable-pip-version-check --no-input
# Byte code is kept, whatever the shell says: without it every import costs up to four times as much.
export PYTHONDONTWRITEBYTECODE :=

RUN = '$(PLAN)' --environment '$(ENVIRONMENT)' $(if $(FAULT),--fault '$(FAULT)') $(if $(SEED),--seed '$(SEED)') \
    $(if $(RECORDS),--records '$(RECORDS)') $(ARGS)
# One process more than there are cores: a sixth of the time is waiting, for a world to end or a signal to arrive. A
# single core is quicker without a second process.
CORES   := $(shell getconf _NPROCESSORS_ONLN)
WORKERS = $(if $(filter 1,$(CORES)),0,$(shell expr $(CORES) + 1))

.PHONY: drill rehearse lab test proof mutants boto3-range lint types bench bench-diff bench-drills bench-sweep reference lock spark awscli setup clean help

drill: setup ## break the sandbox and recover it by a plan (PLAN=f ENVIRONMENT=sandbox FAULT= SEED= RECORDS= ARGS=)
	@$(VENV)/bin/drcore drill $(RUN)

rehearse: setup ## the same plan with every write stopped and shown (as drill)
	@$(VENV)/bin/drcore rehearse $(RUN)

lab: setup ## step through a plan in JupyterLab (as drill; MODE=rehearse|drill|execute)
	@$(VENV)/bin/drcore lab $(RUN) $(if $(MODE),--mode '$(MODE)')

test: setup ## all tests (ARGS= goes to pytest)
	@$(PY) -m pytest -n $(WORKERS) $(ARGS)

proof: setup awscli ## all that `make test` takes a sample of, Spark, both ends of boto3's range; goes on where it ended (ARGS=--list)
	@$(PY) -m tests.proof $(ARGS)

mutants: setup ## plans and engine broken on purpose, to see which test notices; goes on where it ended (ARGS= --sample=N, --kind='unknown is yes', --again)
	@$(PY) -m tests.mutants $(ARGS)

boto3-range: setup ## the oldest and the newest boto3 that pyproject.toml allows, each in a throw-away environment
	@$(PY) -m tests.proof boto3-

lint: setup ## ruff over code, tests and notebooks
	@$(PY) -m ruff check .

types: setup ## mypy, strict
	@$(PY) -m mypy

bench: setup ## how long the things take that an engineer waits for (ARGS=)
	@$(PY) -m tests.benchmarks.commands $(ARGS)

bench-sweep: setup ## what plan E's sweep of 20,000 secrets costs: rate, CPU, memory (ARGS=--secrets=N)
	@$(PY) -m tests.benchmarks.sweep $(ARGS)

bench-drills: setup ## what late metrics add to a drill, IAM's share of its CPU (ARGS="f:bad-release …")
	@$(PY) -m tests.benchmarks.drills $(ARGS)

bench-diff: setup ## how fast the comparison is beside other ways (ARGS=--pairs=N and others)
	@$(PY) -m tests.benchmarks.diff $(ARGS)

reference: setup ## the outputs that the notebooks are compared with, made anew (ARGS='a g': of these plans only)
	@$(PY) -m tests.support.reference $(ARGS)

lock: setup ## requirements.lock from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(PY) -m uv pip compile pyproject.toml --extra dev --extra sandbox --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command "make lock" --quiet $(ARGS) --output-file requirements.lock

# Not in the lock, as hardly anybody needs it: 460 MB, and Java 17 or newer must be there.
spark: setup ## pyspark, for `drcore diff --engine spark`
	@$(PIP) install -qq "$$(sed -n 's/^  "\(pyspark==[^"]*\)".*/\1/p' pyproject.toml)"

# In an environment of its own: it is for a shell that carries out a card without drcore, and brings its own botocore.
AWS_CLI := awscli==1.46.2
awscli: setup ## the AWS CLI, by which tests carry out the cards (drcore card)
	@grep -qsx '$(AWS_CLI)' .awscli/ready || { $(PY) -m venv --clear .awscli && \
	    .awscli/bin/python -m pip install -qq --disable-pip-version-check '$(AWS_CLI)' && echo '$(AWS_CLI)' > .awscli/ready; }

clean: ## the environment and all caches away; records stay
	@rm -rf '$(VENV)' .awscli .mypy_cache .ruff_cache .pytest_cache .hypothesis .proof
	@find drcore tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

# ---- the environment, in two parts: a change of pyproject.toml alone does not install everything again

setup: $(VENV)/ready

$(VENV)/ready: $(VENV)/locked pyproject.toml
	@$(PIP) install -qq --no-build-isolation --no-deps --no-compile --editable .
	@$(PY) -m compileall -q -j 0 drcore
	@touch $@

$(VENV)/locked: requirements.lock
	@$(find-python); echo "Making the environment in $(VENV), once; this takes about a minute ..."; \
	    "$$python" -m venv --clear '$(VENV)'
	@sed -n '/^pip==/,/# via/p' requirements.lock > $(VENV)/pip.lock
	@$(PIP) install -qq --require-hashes --requirement $(VENV)/pip.lock
	@$(PIP) install -qq --require-hashes --no-deps --only-binary :all: --no-compile --requirement requirements.lock
	@$(PY) -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib
	@touch $@

# The Python to build with: PYTHON if given, else the first of these that runs and is new enough.
find-python = \
	seen=''; python=''; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python); do \
	    found=$$("$$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue; \
	    seen="$$seen $$candidate is $$found;"; \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "drcore needs Python 3.11 or newer. Found:$${seen:- none}" >&2; \
	    echo "Nothing was changed. Name one with: make PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi
