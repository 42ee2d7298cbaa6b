# SPDX-License-Identifier: Apache-2.0
# Every target that a person or CI calls. `make help` lists them.
SHELL := /bin/sh
BIN := out/bin
# The Swift toolchain's own clang: Debian's may be older and need not be there.
CLANG ?= $(shell dirname "$$(readlink -f "$$(command -v swiftc)")")/clang
CONFIGURATION ?= release
SWIFT_BUILD := swift build -c $(CONFIGURATION) --static-swift-stdlib
BPF_CFLAGS := -target bpf -mcpu=v3 -g -O2 -Wall -Wextra -Werror -Wno-unused-parameter
# One program, built twice: for every kernel, and by plain loads for Linux 6.2 and later.
GATE_OBJECTS := bpf/gate.bpf.o bpf/gate-6.2.bpf.o
# Chooses among the guests of vm-test; empty: all of them.
export KERNEL ATTACH CGROUP SUITE GATE RUNC CRUN SCALE ONLY

.PHONY: help setup build install test-programs demo test unit e2e vm-test bench bench-report bench-guard bench-hook false-refusals runtime-test fault-test test-docs journey man deb image pod-test lint format clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install what the build and the tests need (Debian packages)
	@tools/setup test

build: $(GATE_OBJECTS) ## mapd, mapctl, oci-hook and the gate, in out/bin
	@tools/setup build
	$(SWIFT_BUILD)
	@mkdir -p $(BIN)
	@for program in mapd mapctl oci-hook; do \
		install -m 755 "$$($(SWIFT_BUILD) --show-bin-path)/$$program" $(BIN)/; \
		strip $(BIN)/$$program; \
	done
	@install -m 644 $(GATE_OBJECTS) $(BIN)/

# Does not build: it may be run as another user. Debian's places; mind that DESTDIR= and the
# units, which name /usr/sbin/mapd, must go together.
install: ## what `make build` made, units, hooks, completions, manual pages if made, below DESTDIR=
	@test -x $(BIN)/mapd || { echo "install: $(BIN)/mapd is not there; run make build first" >&2; exit 1; }
	install -d $(DESTDIR)/usr/sbin $(DESTDIR)/usr/bin $(DESTDIR)/usr/libexec/holdfast $(DESTDIR)/usr/lib/holdfast \
		$(DESTDIR)/usr/lib/systemd/system $(DESTDIR)/usr/lib/tmpfiles.d $(DESTDIR)/usr/share/containers/oci/hooks.d \
		$(DESTDIR)/usr/share/holdfast/crds $(DESTDIR)/usr/share/holdfast/kubernetes $(DESTDIR)/usr/share/doc/holdfast/docs $(DESTDIR)/usr/share/doc/holdfast/examples \
		$(DESTDIR)/usr/share/bash-completion/completions $(DESTDIR)/usr/share/zsh/vendor-completions \
		$(DESTDIR)/usr/share/fish/vendor_completions.d $(DESTDIR)/usr/share/man/man1 $(DESTDIR)/etc/holdfast/policies.d
	install -m 755 $(BIN)/mapd $(DESTDIR)/usr/sbin/
	install -m 755 $(BIN)/mapctl $(DESTDIR)/usr/bin/
	install -m 755 $(BIN)/oci-hook $(DESTDIR)/usr/libexec/holdfast/
	install -m 644 $(GATE_OBJECTS:bpf/%=$(BIN)/%) $(DESTDIR)/usr/lib/holdfast/
	install -m 644 packaging/systemd/mapd.service packaging/systemd/*.socket $(DESTDIR)/usr/lib/systemd/system/
	install -m 644 packaging/tmpfiles.d/holdfast.conf $(DESTDIR)/usr/lib/tmpfiles.d/
	install -m 644 hooks.d/*.json $(DESTDIR)/usr/share/containers/oci/hooks.d/
	test -e $(DESTDIR)/etc/holdfast/mapd.yaml || install -m 644 packaging/mapd.yaml $(DESTDIR)/etc/holdfast/
	install -m 644 packaging/crds/*.yaml $(DESTDIR)/usr/share/holdfast/crds/
	install -m 644 packaging/kubernetes/*.yaml $(DESTDIR)/usr/share/holdfast/kubernetes/
	install -m 644 README.md CHANGELOG.md $(DESTDIR)/usr/share/doc/holdfast/
	install -m 644 docs/*.md $(DESTDIR)/usr/share/doc/holdfast/docs/
	install -m 644 packaging/hook.json packaging/policies/web.yaml packaging/grafana/holdfast.json hooks.d/containerd/base-spec-hooks.json $(DESTDIR)/usr/share/doc/holdfast/examples/
	$(BIN)/mapctl --generate-completion-script bash | sed '1{/^#!/d}' >$(DESTDIR)/usr/share/bash-completion/completions/mapctl
	$(BIN)/mapctl --generate-completion-script zsh >$(DESTDIR)/usr/share/zsh/vendor-completions/_mapctl
	$(BIN)/mapctl --generate-completion-script fish >$(DESTDIR)/usr/share/fish/vendor_completions.d/mapctl.fish
	test ! -d out/man || install -m 644 out/man/*.1 $(DESTDIR)/usr/share/man/man1/

test-programs: ## what the suites run: the bypass corpus, random paths, the verifier's counts
	@tools/setup test
	@mkdir -p $(BIN)
	@$(MAKE) -s -C Tests/Bypass
	gcc -O2 -static -Wall -Wextra -Werror -o $(BIN)/paths Tests/e2e/paths.c
	gcc -O2 -Wall -Wextra -Werror -o $(BIN)/verifier Tests/vm/verifier.c -lbpf -lelf -lz
	@for program in storm checker respawn activate; do \
		gcc -O2 -static -Wall -Wextra -Werror -o $(BIN)/$$program Tests/Faults/$$program.c || exit 1; \
	done
	$(CLANG) $(BPF_CFLAGS) -DHF_LAYOUT=2 -DHF_TEST_LAYOUT -c bpf/gate.bpf.c -o $(BIN)/gate-v2.bpf.o
	$(CLANG) $(BPF_CFLAGS) -DHF_TEST_CHANGED -c bpf/gate.bpf.c -o $(BIN)/gate-changed.bpf.o

bpf/gate-6.2.bpf.o: BPF_CFLAGS += -DHF_PLAIN_LOADS
$(GATE_OBJECTS): $(wildcard bpf/*.bpf.c bpf/*.h)
	@tools/setup build
	$(CLANG) $(BPF_CFLAGS) -c bpf/gate.bpf.c -o $@

demo: build ## a container under a policy: allowed, refused, reported, mapd killed
	tools/demo

test: setup build test-programs ## all tests: unit, this machine's runtimes, kernels in QEMU
	tools/test-all

unit: ## unit tests only
	swift test

e2e: build test-programs ## real containers on this machine, attach point kill
	Tests/e2e/run main kill9 uninstall badinput paths bypass learn violations policies journey doctor config metrics otlp hostile \
		../systemd/units ../systemd/activation ../systemd/capabilities ../systemd/mounts

false-refusals: build test-programs ## 1,000 execs by each runc and crun, 100 by podman, under protect: none may be refused
	RUNC="$${RUNC:-1.1.5 1.1.15 1.3.6}" CRUN="$${CRUN:-1.8.1 1.21 1.28}" Tests/e2e/run false-refusals podman

runtime-test: build test-programs ## every runtime and version: bind, refuse, exec, stop, adopt, failures; ROWS= choose; time ratios
	Tests/runtimes/run $(ROWS)

fault-test: build test-programs ## faults under load, a line each; SCALE= percent of the rounds, ONLY= faults
	Tests/Faults/run

test-docs: build ## the commands of the documents, run; what they print against what is shown
	Tests/e2e/run ../docs/commands

journey: build ## nginx from unknown to protected; what is typed and shown becomes docs/journey.md
	JOURNEY=$(CURDIR)/docs/journey.md Tests/e2e/run journey

man: ## manual pages of mapctl and mapd, from the commands themselves, in out/man
	tools/manual-pages

deb: build man ## the Debian package, in out/deb, with lintian's word
	@tools/setup package
	lintian --allow-root --fail-on error,warning "$$(tools/make-deb)"

image: build ## the container image for Kubernetes, with buildah, without a registry
	tools/make-image

pod-test: build ## mapd in the container that the DaemonSet describes, run by runc
	Tests/e2e/run ../kubernetes/pod

vm-test: build test-programs ## real containers in guests; KERNEL= ATTACH= CGROUP= SUITE= GATE= choose
	Tests/vm/matrix

bench: build test-programs ## measure it all on this machine against its targets; ONLY= groups, QUICK=1
	bench/run

bench-report: ## docs/performance.md and its plots, from what make bench measured last
	bench/report

bench-guard: build ## the part of the benchmark that CI repeats: ratios and sizes
	bench/guard

bench-hook: build ## of these the hook: size, time, what it adds to a container's start
	ONLY=hook bench/run

lint: ## formatting and static checks of Swift, C and shell
	@tools/setup test
	swift format lint --strict --recursive Package.swift Sources Tests
	clang-format --dry-run -Werror bpf/*.c bpf/*.h
	shellcheck -x $$(git ls-files '*.sh') $$(git grep -lE '^#!/bin/sh' -- ':!*.sh')

format: ## format Swift and C in place
	swift format --in-place --recursive Package.swift Sources Tests
	clang-format -i bpf/*.c bpf/*.h

clean: ## remove what was built, keep the downloads (.cache)
	rm -rf .build out bpf/*.bpf.o
