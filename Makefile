# SPDX-License-Identifier: GPL-2.0-only
# What people call. The kernel's build and DKMS read driver/Kbuild instead.

# All is named from here, never by its whole path: that may have a space in it, where
# make, and a shell, would see two paths.
ifeq ($(wildcard driver/include/uapi/linux/grabber.h),)
$(error Run make in grabber's own directory, or as: make -C DIRECTORY)
endif

# A value for the shell, whatever is in it
quoted = '$(subst ','\'',$(1))'

KDIR ?= /lib/modules/$(shell uname -r)/build
PICTURE ?=

# The kernel's build must not see what was meant for this file.
unexport PICTURE

PYTHON := /usr/bin/python3
START := GRABBER_START=$(shell date +%s)

all: module tools

module:
	+@sh driver/dkms/make $(call quoted,$(KDIR))

tools:
	$(MAKE) -C tools

# What runs in the test machines and beside them
programs: tools
	@$(MAKE) -s -C tests/card
	@$(MAKE) -s -C tests/guest

demo: export GRABBER_LABEL := demo
demo:
	@$(START) tests/setup.sh demo
	@$(START) $(PYTHON) tests/demo/demo.py $(if $(PICTURE),--picture=$(call quoted,$(PICTURE)))

check: export GRABBER_LABEL := check
check:
	@$(START) tests/check.sh -m 'not long and not packages'

check-long: export GRABBER_LABEL := check-long
check-long:
	@$(START) tests/check.sh -m 'not packages'

# What a frame costs its reader, in instructions (docs/frames.md)
bench-frames: export GRABBER_LABEL := bench
bench-frames:
	@$(START) tests/setup.sh check
	@$(START) $(PYTHON) tests/bench/frames.py

# The gateware as one file (docs/fpga.md)
gateware:
	@mkdir -p build/gateware
	@cat gateware/*.v >build/gateware/grabber_video_source.v
	@echo "build/gateware/grabber_video_source.v"

# What the gateware takes of a part, by yosys
gateware-report:
	@$(PYTHON) tests/gateware/report.py

# Does a test see it when the driver is broken? (tests/README.md)
mutants: export GRABBER_LABEL := mutants
mutants:
	@$(START) tests/setup.sh check
	@cd tests && $(PYTHON) -m vm.prepare && $(START) $(PYTHON) mutants/run.py \
		$(if $(SOUND),--sound) $(MUTANT)

# Packages, in build/packages (docs/install.md)
deb rpm: export GRABBER_LABEL = $@
deb rpm:
	@$(START) tests/setup.sh demo
	@cd tests && $(START) $(PYTHON) -m packages.build $@

# The module by DKMS on this machine, without a package
dkms:
	@driver/dkms/install-here

dkms-remove:
	@driver/dkms/install-here --remove

# The tools and the headers on this machine: PREFIX=/usr/local, DESTDIR=
install uninstall:
	$(MAKE) -C tools $@ $(if $(filter-out /%,$(firstword $(DESTDIR))),\
		DESTDIR=$(call quoted,../$(DESTDIR)))

# The packages' tests: four suites of Debian, dnf, upgrades, kernels
check-packages: export GRABBER_LABEL := check-packages
check-packages:
	@$(START) tests/packages/check.sh

clean:
	rm -rf build
	find driver \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.d' -o -name 'Module.symvers' \
		-o -name 'modules.order' -o -name '.module-common.*' -o -name 'probed.h' \) -delete

help:
	@echo "make                 build driver/grabber.ko and build/tools/grabberctl"
	@echo "  KDIR=DIR           for the kernel whose headers are in DIR, not the running one"
	@echo "make demo            show grabber at work: a virtual card in a virtual machine (root)"
	@echo "  PICTURE=FILE.png   what the card shows, instead of a test chart"
	@echo "make check           the tests (root; the first time takes up to an hour)"
	@echo "make check-long      the tests and those that take long"
	@echo "make check-packages  the packages' tests"
	@echo "make bench-frames    what a frame costs its reader, in instructions (root)"
	@echo "make gateware        the gateware as one file, build/gateware/grabber_video_source.v"
	@echo "make gateware-report what it takes of a part, by yosys (docs/fpga.md)"
	@echo "make mutants         does a test see it when the driver is broken? (root; takes hours)"
	@echo "  MUTANT=NAME        only this fault of tests/mutants, or these"
	@echo "  SOUND=1            before that each test without a fault: it must pass"
	@echo "make deb, make rpm   packages, in build/packages (root)"
	@echo "make dkms            build and install the module by DKMS here (root)"
	@echo "make dkms-remove     take that away again (root)"
	@echo "make install         install grabberctl and the headers here (root); PREFIX, DESTDIR"
	@echo "make uninstall       remove these; with the same PREFIX, DESTDIR"
	@echo "make clean           remove what was built; the cache, ~/.cache/grabber, stays"

.PHONY: all module tools programs demo check check-long bench-frames gateware gateware-report mutants deb rpm dkms \
	dkms-remove install uninstall \
	check-packages clean help
