# make demo        a real attack on a real Kamailio, with and without sipguardd
# make test        unit tests, and integration tests against real proxies and tools
# make check       what CI runs: format, build, tests
# make playground  the daemon and a proxy to attack with tools of your own (PORT=5070, ANTIFLOOD=stock,
#                  ASTERISK=1)
# make bench       one table of round trips and CPU, ten million forged sources, and what asking costs a call in Asterisk
# make corpus      labelled attacks and customers against the policy, one table (UPDATE=1 checks the figures in,
#                  ONLY=name, SEED=n, POLICY=file)
# make bench-kamailio  what protections cost a real Kamailio, in calm and in a flood
# make fuzz       the two readers of guard.check against each other, for a minute (FUZZ_SECONDS=600)
# make speed      a decision's instructions, allocations and memory, against Benchmarks/limits.json
# make asan       the unit tests under the address sanitizer
# make clean
# Each installs what it needs (scripts/setup), on Debian as root or through sudo.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PORT ?= 5060
ANTIFLOOD ?=
ASTERISK ?=
PYTEST_ARGUMENTS ?=
FUZZ_SECONDS ?= 60
UPDATE ?=
ONLY ?=
SEED ?=
POLICY ?=
# capturing packets and filling a disk need root
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E)

.PHONY: all setup build demo test check lint unit integration playground bench bench-kamailio corpus fuzz speed asan clean

all: build

setup:
	@scripts/setup build run test

build:
	@scripts/setup build
	swift build -c release

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

unit:
	@scripts/setup build
	swift test

integration: build
	@scripts/setup run test
	$(ROOT) /usr/bin/python3 -B -m pytest -p no:cacheprovider Tests/Integration $(PYTEST_ARGUMENTS)

test: unit integration

check: lint test fuzz speed

fuzz: build
	.build/release/fuzz $(FUZZ_SECONDS)

speed: build
	@scripts/setup test
	/usr/bin/python3 -B Benchmarks/check

demo: build
	@scripts/setup run
	@$(ROOT) /usr/bin/python3 -B scripts/demo

# Standard output carries the lines that a script reads, and nothing else.
playground:
	@scripts/setup build run $(if $(ASTERISK),asterisk) >&2
	@swift build -c release >&2
	@exec /usr/bin/python3 -B scripts/playground --port $(PORT) $(if $(ANTIFLOOD),--antiflood $(ANTIFLOOD)) \
	    $(if $(ASTERISK),--asterisk)

bench: build
	@scripts/setup bench run asterisk
	Benchmarks/run
	/usr/bin/python3 -B Benchmarks/asterisk

corpus:
	@scripts/setup build
	@swift build --product sipguard-corpus >&2
	@swift run --skip-build sipguard-corpus Tests/Corpus $(if $(UPDATE),--update) $(if $(ONLY),--only $(ONLY)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(POLICY),--policy $(POLICY))

bench-kamailio: build
	@scripts/setup bench run
	Benchmarks/kamailio

asan:
	@scripts/setup build
	swift test --sanitize=address --scratch-path .build-asan

clean:
	rm -rf .build .build-asan
