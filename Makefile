# What people expect: make run, make test, make help.
SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help run build test bench soak fuzz lint-deploy clean

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Installs what is missing, builds and starts reelmill (VIDEO=path ingests a file)
	@$(if $(VIDEO),test -r "$(VIDEO)" || { echo "cannot read $(VIDEO)" >&2; exit 1; })
	@deploy/install.sh run
	@cargo build --release --locked -p reelmill -p reelmill-engine
	@deploy/run.sh $(if $(VIDEO),"$(VIDEO)")

build: ## Builds and lints the programs and the tests
	@deploy/test.sh build

test: ## Installs what is missing and runs every suite
	@deploy/install.sh test
	@deploy/test.sh

bench: ## Measures, and prints the figures of docs/benchmarks.md
	@deploy/install.sh bench
	@cargo build --release --locked -p reelmill -p reelmill-engine
	@benches/run.sh

soak: ## Runs every suite five times, with all segments of the corpus, two hundred kills each, ten minutes of chaos and ten thousand storms
	@deploy/install.sh test
	@for round in 1 2 3 4 5; do WHOLE=1 MINIO=1 KILLS=200 CHAOS=600 AWAY=60 CHUNKS=1000 SEEDS=10000 AT_ONCE=32 deploy/test.sh || exit 1; done

fuzz: ## Ten thousand damaged uploads (MUTANTS, SEED), then every parser for FUZZ_SECONDS in all (600)
	@deploy/install.sh test
	@deploy/fuzz.sh

lint-deploy: ## Checks images, manifests, units and rules in deploy/ (fetches linters)
	@deploy/lint.sh

clean: ## Removes what was built
	cargo clean
	rm -rf tests/browser/node_modules
