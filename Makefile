# SPDX-License-Identifier: GPL-2.0
#
# The project's commands; "make help" lists them. What takes more than a line
# is a script in scripts/. Everything is built under build/.

CONFIG ?= base
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
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo "With CONFIG=coexist or CONFIG=debug, the kernel is another: see configs/."

.PHONY: deps
deps: ## install what is missing from Debian, or print how to
	@scripts/deps

.PHONY: kernel
kernel: deps ## build the kernel: build/$(CONFIG)/arch/x86/boot/bzImage
	@scripts/step "Building the kernel ($(CONFIG))" $(LOGS)/kernel-$(CONFIG).log \
		scripts/kernel-build $(CONFIG)

.PHONY: ctnctl
ctnctl: deps ## build ctnctl and its library: build/ctnctl/ctnctl
	@scripts/step "Building ctnctl" $(LOGS)/ctnctl.log \
		$(MAKE) -C tools/ctnctl BUILD=$(BUILD)/ctnctl all

.PHONY: helpers
helpers: deps
	@[ ! -e tests/helpers/Makefile ] || scripts/step "Building the tests' helpers" \
		$(LOGS)/helpers.log $(MAKE) -C tests/helpers BUILD=$(BUILD)/helpers

.PHONY: demo
demo: kernel ctnctl ## show it at work, in a guest
	@demo/run

.PHONY: test
test: ## run the tests (ONLY=name: those whose file or title has it)
	@scripts/deps >&2
	@scripts/test

.PHONY: shell
shell: kernel ## a shell in a guest
	@tests/vm/run --kernel $(CONFIG) --timeout 86400 -t -- bash

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)
