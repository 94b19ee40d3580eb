# The index of scripts/. `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run test build deps format lint bench fuzz races clean

help:       ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

run:        ## Install what is missing, build for release, start Martlet with the example shop
	@scripts/run.sh

test:       ## Install what is missing, build, check the format and run every test
	@scripts/test.sh

build:      ## Build the release binary
	@scripts/build.sh

deps:       ## Install the Debian packages that building and testing need
	@scripts/install-dependencies.sh test

format:     ## Rewrite the sources in the project's format
	@scripts/format.sh

lint:       ## Check the project's format
	@scripts/lint.sh

bench:      ## Run the benchmarks beside their peers and print the ratios
	@scripts/bench.sh

fuzz:       ## Replay the fuzzing corpus and a fixed number of mutations
	@scripts/fuzz.sh

races:      ## Run the suites of several threads under ThreadSanitizer
	@scripts/races.sh

clean:      ## Remove build products
	@rm -rf .build Benchmarks/.build Fuzzing/.build
