# SPDX-License-Identifier: GPL-2.0
#
# The project's commands; "make help" lists them. What takes more than a line
# is a script in scripts/. Everything is built under build/.

CONFIG ?= base
KUNIT = $(if $(filter file,$(origin CONFIG)),um,$(CONFIG))
BUILD := $(CURDIR)/build
LOGS := $(BUILD)/logs

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := all
# The kernel's build and the guests use all processors by themselves.
.NOTPARALLEL:

.PHONY: all
all: kernel ctnctl

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo "With CONFIG=coexist, debian, debug, kcsan, um or arm64, the kernel is another: see configs/."

.PHONY: deps
deps: ## install what is missing from Debian, or print how to
	@scripts/deps

.PHONY: kernel
kernel: deps ## build the kernel: build/$(CONFIG)/arch/x86/boot/bzImage
	@case $(CONFIG) in debian) scripts/deps debian ;; arm64*) scripts/deps arm64 ;; esac
	@scripts/step "Building the kernel ($(CONFIG))" $(LOGS)/kernel-$(CONFIG).log \
		scripts/kernel-build $(CONFIG)

.PHONY: ctnctl
ctnctl: deps ## build ctnctl and its library: build/ctnctl/ctnctl
	@scripts/step "Building ctnctl" $(LOGS)/ctnctl.log \
		$(MAKE) -C tools/ctnctl BUILD=$(BUILD)/ctnctl all

.PHONY: man
man: deps ## make the man pages containers(7), containers-guide(7), ctn(3): build/ctnctl/man
	@scripts/step "Building the man pages" $(LOGS)/man.log \
		$(MAKE) -C tools/ctnctl BUILD=$(BUILD)/ctnctl man

.PHONY: deb
deb: ## build Debian's packages of ctnctl and libctn: build/deb
	@scripts/deps deb
	@scripts/step "Building Debian's packages" $(LOGS)/deb.log scripts/deb

.PHONY: deb-kernel
deb-kernel: ## build Debian's packages of the kernel: build/deb-kernel (CONFIG=debian, base, system, or local: only the modules in use here)
	@scripts/deps deb-kernel
	@LSMOD="$(LSMOD)" scripts/kernel-deb $(if $(filter file,$(origin CONFIG)),debian,$(CONFIG))

.PHONY: helpers
helpers: deps
	@scripts/step "Building the tests' helpers" \
		$(LOGS)/helpers.log $(MAKE) -C tests/helpers BUILD=$(BUILD)/helpers
	@scripts/step "Building the fuzzer" $(LOGS)/fuzz.log \
		$(MAKE) -C tests/fuzz BUILD=$(BUILD)/fuzz

.PHONY: torture-helper
torture-helper: deps
	@scripts/step "Building the torture" $(LOGS)/torture.log \
		$(MAKE) -C tests/torture BUILD=$(BUILD)/torture

.PHONY: demo
demo: kernel ctnctl ## show it at work, in a guest (SVG=FILE: and draw that)
	@[ -z "$(SVG)" ] || scripts/deps bench
	@SVG="$(SVG)" demo/run

.PHONY: kunit
kunit: ## run the KUnit tests of a kernel that runs as a process (CONFIG=arm64, arm64-64k: emulated)
	@$(MAKE) kernel CONFIG=$(KUNIT)
	@scripts/kunit $(KUNIT)

.PHONY: test
test: ## run the tests (ONLY=name: those whose file or title has it; ON=debian)
	@scripts/deps test >&2
ifeq ($(ONLY)$(ON),)
	@$(MAKE) kunit >&2
endif
	@scripts/test $(if $(ON),--on $(ON))

.PHONY: test-system
test-system: ## the tests on a Debian system that boots from its own disk, with our packages (ONLY=users)
	@tests/system/run $(ONLY)

.PHONY: test-sanitize
test-sanitize: ## the tests of ctnctl with sanitizers and valgrind
	@scripts/deps test sanitize >&2
	@scripts/test-sanitize

.PHONY: fuzz
fuzz: kernel helpers ## the tree's fuzzer in guests: SEED=, COUNT=1000000
	@KERNEL=$(CONFIG) tests/fuzz/run "$(SEED)" $(COUNT)

.PHONY: fuzz-ctnctl
fuzz-ctnctl: ## ctnctl's fuzzer: SEED=, COUNT=, with sanitizers
	@scripts/deps test >&2
	@scripts/test-sanitize fuzz

.PHONY: lint
lint: ## static checks of scripts and of what runs in user space
	@scripts/deps lint
	@scripts/lint

.PHONY: check-kernel
check-kernel: ## check the kernel part without running it: checkpatch, sparse, clang...
	@scripts/deps check
	@scripts/kernel-check

.PHONY: series
series: deps ## write the kernel part as a series of patches, for git am and quilt: OUT=DIR SIGNOFF=yes
	@SIGNOFF="$(SIGNOFF)" scripts/series "$(OUT)"

.PHONY: bisectable
bisectable: deps ## build the kernel with each number of patches
	@scripts/kernel-bisectable

.PHONY: bench
bench: ## measure what it costs (ROW=, IN=, PROFILE=, JSON=1, DOCS=1: see bench/run)
	@scripts/deps bench test >&2
ifneq ($(filter choice,$(ROW)),)
	@bench/choice/run $(if $(JSON),--json) $(if $(DOCS),--docs) $(ROW)
else
	@bench/run $(if $(IN),--in $(IN)) $(if $(JSON),--json) $(if $(DOCS),--docs) \
		$(if $(PROFILE),--profile $(PROFILE)) $(if $(AGAINST),--against $(AGAINST)) $(ROW)
endif

.PHONY: test-debug
test-debug: torture-helper ## the suites and the torture on the debug kernel (QUICK=1 TORTURE_MINUTES=10)
	@scripts/deps test >&2
	@scripts/test --debug $(if $(QUICK),--quick) \
		--torture $(or $(TORTURE_MINUTES),$(if $(QUICK),1,10))

.PHONY: torture
torture: kernel torture-helper ## everything at once (MINUTES=480 SEED=n CONFIG=debug or kcsan)
	@tests/torture/run --kernel $(CONFIG) --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

.PHONY: compare
compare: ## run the kernel's selftests and stress-ng with containers and without
	@scripts/deps test compare
	@for config in plain base plain-memcg coexist; do \
		$(MAKE) kernel CONFIG=$$config || exit; done
	@scripts/step "Building the kernel's selftests" $(LOGS)/kselftest.log tests/compare/build
	@tests/compare/run

.PHONY: mutants
mutants: ## take things out of the code, and see that tests notice (ONLY=part of a name)
	@scripts/deps test >&2
	@tests/mutants/run

.PHONY: shell
shell: kernel ## a shell in a guest
	@tests/vm/run --kernel $(CONFIG) --timeout 86400 -t -- bash

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)
