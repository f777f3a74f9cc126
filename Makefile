# `make run` and `make test` need Python 3.11 or 3.12 and nothing else. Variables: PYTHON, ARGS ("--port 8001"), BACKOFFICE_*.
.PHONY: help run test lint types format bench messages lock bootstrap bootstrap-dev clean
.DEFAULT_GOAL := help

export PYTHON
PY := .venv/bin/python

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: bootstrap ## Everything running at http://127.0.0.1:8000 with demo data; Ctrl-C stops all of it
	@exec $(PY) manage.py up $(ARGS)

test: bootstrap-dev ## Every check and every test, browser tests included; ends in one line of totals
	@exec $(PY) tools/check.py all $(ARGS)

lint: bootstrap-dev ## Style, types, floors, migrations, deployment settings, translations
	@exec $(PY) tools/check.py static $(ARGS)

format: bootstrap-dev ## Write Python files in the one style
	@$(PY) -m ruff check --fix-only --quiet . ; exec $(PY) -m ruff format .

bench: bootstrap-dev ## Benchmarks against their floors; writes docs/benchmarks.md
	@exec $(PY) -m benchmarks $(ARGS)

messages: bootstrap-dev ## Collect texts, merge the translations' parts, compile the catalogue
	@exec $(PY) tools/messages.py update

lock: bootstrap-dev ## Lock requirements*.in with hashes
	@.venv/bin/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	@.venv/bin/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt

bootstrap:
	@tools/bootstrap.sh run

bootstrap-dev:
	@tools/bootstrap.sh dev
