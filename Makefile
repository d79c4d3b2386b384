# SPDX-License-Identifier: Apache-2.0
# What stands here is what the README tells; `make help` lists it.

SHELL := /bin/bash
PREFIX ?= /usr/local
KEEP ?= 0
SEEDS ?= 2000
COUNT ?= 20000
SEED ?= 1
RUNS ?= 208
SECONDS_EACH ?= 300
JOBS ?= $(shell nproc)
CASES ?= 5000
BIN := .build/release/coracle
# Archives of what is not on every host (the C++ runtime, zlib, libssh2 with its libcrypto): a directory the linker looks
# in before the system's. One that the system has no archive of is linked dynamically.
ARCHIVES := .build/archives
RELEASE_FLAGS := -c release --static-swift-stdlib --product coracle \
	-Xlinker --gc-sections -Xlinker -s -Xlinker -L$(ARCHIVES)
LOAD_FLAGS := $(subst --product coracle,--product coracle-load,$(RELEASE_FLAGS))
SOURCES := Sources Tests Benchmarks Package.swift

.PHONY: help setup test-setup build demo test check format sim scenarios faults unit-faults container-chaos differential fuzz recovery load bench vagrant-check deploy-check install package package-test vm-test clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## install the system packages that the build and the demo need
	@.ci/setup build

test-setup:
	@.ci/setup test

build: ## release build: .build/release/coracle, with etcdctl and fleetctl beside it
	@mkdir -p $(ARCHIVES)
	@for library in stdc++ z ssh2 crypto; do \
	  archive=$$(clang -print-file-name=lib$$library.a); \
	  [ ! -e "$$archive" ] || ln -sf "$$archive" $(ARCHIVES)/; \
	done
	@ln -sf "$$(clang -print-file-name=libgcc_eh.a)" $(ARCHIVES)/libgcc_s.a
	swift build $(RELEASE_FLAGS)
	ln -sf coracle .build/release/etcdctl
	ln -sf coracle .build/release/fleetctl

demo: setup build ## a three-node cluster on loopback, shown at work; KEEP=1 stays up
	@KEEP=$(KEEP) cloud-config/demo/run $(abspath $(BIN))

test: setup test-setup ## every test but three slow ones, with what the tests need installed
	@.ci/test

check: ## formatting, layering, lint
	swift format lint --strict --recursive --parallel Sources Tests Package.swift
	swift test --disable-xctest --quiet --package-path Tests/Tidy

format: ## rewrite the sources in the house's format
	swift format --in-place --recursive --parallel Sources Tests Package.swift

sim: ## the simulator over SEEDS seeds (default 2000), of the log alone, of the whole store with clients, and of fleets
	swift build -c release --product coracle-sim
	.build/release/coracle-sim --count $(SEEDS) --jobs $(JOBS)
	.build/release/coracle-sim --store --count $(SEEDS) --jobs $(JOBS)
	.build/release/coracle-sim fleet --count $(SEEDS)
	.build/release/coracle-sim fleet

scenarios: setup test-setup ## acceptance scenarios and walkthroughs, also those that make test leaves out; needs root
	swift build --build-tests
	CORACLE_ALL_SCENARIOS=1 swift test --disable-xctest --skip-build --no-parallel \
	  --filter 'OneMachineTests|ThreeMachinesTests|WalkthroughTests|DedicatedStoreTests|RealEtcdStoreTests'

faults: build ## RUNS fault runs (default 208) on clusters of real processes; needs root
	swift build --product coracle-faults
	CORACLE_BINARY=$(abspath $(BIN)) .build/debug/coracle-faults --runs $(RUNS) --seed $(SEED) --jobs 2

unit-faults: build ## every fault on fleets of five real machines, ROUNDS times (default once); needs root
	swift build --product coracle-faults
	CORACLE_BINARY=$(abspath $(BIN)) .build/debug/coracle-faults units \
	  $(if $(ROUNDS),--rounds $(ROUNDS)) --seed $(SEED) --jobs 3

container-chaos: build test-setup ## ROUNDS rounds (default 200) of chaos on machines with containers, then a few with live-restore; needs root
	swift build --product coracle-faults
	CORACLE_BINARY=$(abspath $(BIN)) .build/debug/coracle-faults containers \
	  $(if $(ROUNDS),--rounds $(ROUNDS)) --seed $(SEED)
	CORACLE_BINARY=$(abspath $(BIN)) .build/debug/coracle-faults containers --live-restore --rounds 20 --seed $(SEED)

differential: test-setup ## COUNT random requests (default 20000) from SEED to coracle and to the real etcd, compared
	swift build --product coracle
	swift build --product coracle-differential
	.build/debug/coracle-differential --count $(COUNT) --seed $(SEED)

fuzz: ## libFuzzer over parsers and connection, SECONDS_EACH each (default 300)
	@Tests/Fuzz/run $(SECONDS_EACH)

recovery: ## damage the files of a log at CASES places of each kind (default 5000) and open them
	swift build --build-tests
	CORACLE_RECOVERY_CASES=$(CASES) swift test --disable-xctest --skip-build --filter RecoveryTests

load: ## release build of the load client: .build/release/coracle-load
	swift build $(LOAD_FLAGS)

bench: ## measure size, the store beside etcd, units beside fleet and Swarm; SECTION=put,get… QUICK=1 ROUNDS=3
	@SECTION=$(SECTION) QUICK=$(QUICK) ROUNDS=$(ROUNDS) Benchmarks/run

vagrant-check: ## the Vagrantfile and its parts, without making machines
	@Tests/Vagrant/check

deploy-check: ## the cloud template and any-cloud.sh, with nodes on loopback
	@Tests/Deploy/check

install: ## install binary, links, service file, completions and manual pages below PREFIX; honours DESTDIR
	@packaging/install $(BIN) $(PREFIX) $(DESTDIR)

package: build ## a .deb and a tarball of the release build in dist; needs no root
	@packaging/package $(BIN) dist

package-test: package ## install the package on a clean Debian, run a node and a unit, purge; needs root
	Tests/Package/inspect $(BIN)
	Tests/Package/run "dist/coracle_$$($(BIN) --version)_$$(dpkg --print-architecture).deb"

vm-test: build test-setup ## emulated machines from power-on: one, a cluster of three, Debian with systemd and Docker
	Tests/VirtualMachines/run one $(BIN)
	Tests/VirtualMachines/run three $(BIN)
	Tests/VirtualMachines/run debian $(BIN)

clean: ## remove what the build made
	rm -rf .build Tests/Tidy/.build
