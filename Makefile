# The verbs; each is a script in bin/.
.PHONY: help demo demo-down test test-core chaos chaos-mutants fuzz attack kernel lint bench build release clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: ## build, start an engine and Boathook, and show it on real containers
	@bin/demo

demo-down: ## remove every trace of the demo
	@bin/demo-down

test: ## all tests: Swift, jail, integration, official clients, faults, attacks, fuzzing
	@bin/test

test-core: ## the Swift tests alone
	@bin/test core

chaos: ## faults without end, and a judge: make chaos SEED=1 ROUNDS=1000
	@BOATHOOK_BIN="$$(bin/build debug)" bin/chaos --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),1000)

chaos-mutants: ## that the judge sees broken promises: builds with one broken at a time
	@bin/chaos-mutants

fuzz: ## random input against second implementations: make fuzz SECONDS=60
	@bin/fuzz --seconds $(or $(SECONDS),60)

attack: ## races, hostile trees and faults against the jail: make attack RACES=50000
	@bin/attack --races $(or $(RACES),2000)

kernel: ## the jail and its limits on Debian's kernel with control groups of version 2
	@BOATHOOK_BIN="$$(bin/build debug)" bin/kernel Tests/Kernel/run

lint: ## what can be said without building
	@bin/lint

bench: ## medians of one command's way, beside docker exec
	@bin/bench

build: ## debug build
	@bin/build debug

release: ## release build
	@bin/build release

clean: ## remove builds and virtual environments (not the demo: make demo-down)
	rm -rf .build .build-* .venv-* .pytest_cache
