# SPDX-License-Identifier: GPL-2.0-only
# What people call. The kernel's build and DKMS read driver/Kbuild instead.

TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
KDIR ?= /lib/modules/$(shell uname -r)/build
PICTURE ?=

# The kernel's build must not see what was meant for this file.
unexport PICTURE

PYTHON := /usr/bin/python3
START := GRABBER_START=$(shell date +%s)

all: module tools

module:
	@[ -e "$(KDIR)" ] || { echo "There are no kernel headers in $(KDIR)." \
		"Install linux-headers-$$(uname -r), or say where they are with KDIR=." >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(TOP)/driver modules

tools:
	$(MAKE) -C $(TOP)/tools O=$(TOP)/build/tools

# What runs in the test machines and beside them
programs: tools
	@$(MAKE) -s -C $(TOP)/tests/card
	@$(MAKE) -s -C $(TOP)/tests/guest

demo: export GRABBER_LABEL := demo
demo:
	@$(START) $(TOP)/tests/setup.sh demo
	@$(START) $(PYTHON) $(TOP)/tests/demo/demo.py $(if $(PICTURE),--picture '$(PICTURE)')

check: export GRABBER_LABEL := check
check:
	@$(START) $(TOP)/tests/check.sh -m 'not long and not packages'

check-long: export GRABBER_LABEL := check-long
check-long:
	@$(START) $(TOP)/tests/check.sh -m 'not packages'

# What a frame costs its reader, in instructions (docs/frames.md)
bench-frames: export GRABBER_LABEL := bench
bench-frames:
	@$(START) $(TOP)/tests/setup.sh check
	@$(START) $(PYTHON) $(TOP)/tests/bench/frames.py

# Packages, in build/packages (docs/install.md)
deb rpm: export GRABBER_LABEL = $@
deb rpm:
	@$(START) $(TOP)/tests/setup.sh demo
	@cd $(TOP)/tests && $(START) $(PYTHON) -m packages.build $@

# The module by DKMS on this machine, without a package
dkms:
	@$(TOP)/driver/dkms/install-here

# The tools and the headers on this machine: PREFIX=/usr/local, DESTDIR=
install:
	$(MAKE) -C $(TOP)/tools O=$(TOP)/build/tools install

# The packages' tests: four suites of Debian, dnf, upgrades, kernels
check-packages: export GRABBER_LABEL := check-packages
check-packages:
	@$(START) $(TOP)/tests/packages/check.sh

clean:
	rm -rf $(TOP)/build
	find $(TOP)/driver \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.d' -o -name 'Module.symvers' \
		-o -name 'modules.order' -o -name '.module-common.*' \) -delete

help:
	@echo "make                 build driver/grabber.ko and build/tools/grabberctl"
	@echo "  KDIR=DIR           for the kernel whose headers are in DIR, not the running one"
	@echo "make demo            show grabber at work: a virtual card in a virtual machine (root)"
	@echo "  PICTURE=FILE.png   what the card shows, instead of a test chart"
	@echo "make check           the tests (root; the first time takes up to an hour)"
	@echo "make check-long      the tests and those that take long"
	@echo "make check-packages  the packages' tests"
	@echo "make bench-frames    what a frame costs its reader, in instructions (root)"
	@echo "make deb, make rpm   packages, in build/packages (root)"
	@echo "make dkms            build and install the module by DKMS here (root)"
	@echo "make install         install grabberctl and the headers here (root); PREFIX, DESTDIR"
	@echo "make clean           remove what was built; the cache, ~/.cache/grabber, stays"

.PHONY: all module tools programs demo check check-long bench-frames deb rpm dkms install \
	check-packages clean help
