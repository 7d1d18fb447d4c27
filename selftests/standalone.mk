# SPDX-License-Identifier: GPL-2.0
#
# The tests outside a kernel tree: a copy of them, among links to what kselftest has in the kernel's
# source, is what the kernel's own Makefile then builds, runs, installs and packs.

KDIR ?= /lib/modules/$(shell uname -r)/build
export KDIR

# Where the kernel's kselftests are.
KSFT ?= $(firstword $(wildcard $(addsuffix /tools/testing/selftests, $(KDIR)/source $(KDIR) \
	/usr/src/linux-source-*)))

# The module to test; one that is not built here is taken from /lib/modules.
GUARD ?= $(wildcard ../rust/amd_mce_guard.ko)

STAGE ?= $(CURDIR)/../build/kselftest
stage_ksft = $(STAGE)/tools/testing/selftests
tests = Makefile $(TEST_PROGS) $(TEST_PROGS_EXTENDED) settings lava.yaml config README test_modules \
	$(addsuffix .c,mce_inject mce_victim) $(GUARD)
linked = Makefile lib.mk run_kselftest.sh kselftest kselftest.h kselftest_harness.h

# The kernel's runner knows only the settings of tests in its tree.
export kselftest_override_timeout ?= $(shell sed -n 's/^timeout=//p' settings)

kselftest = +$(MAKE) -C $(stage_ksft) TARGETS=amd_mce_guard FORCE_TARGETS=1

all run_tests gen_tar: stage
	$(kselftest) $@

install: stage
	$(if $(INSTALL_PATH),,$(error install needs INSTALL_PATH=<directory>))
	$(kselftest) install KSFT_INSTALL_PATH=$(abspath $(INSTALL_PATH))

stage:
	@test -f '$(KSFT)/lib.mk' || { echo 'amd_mce_guard: no kselftest in "$(KSFT)":' \
		'name the kernel source with KSFT=<source>/tools/testing/selftests'; exit 1; }
	@command -v rsync > /dev/null || { \
		echo 'amd_mce_guard: rsync is not installed; kselftest installs with it'; exit 1; }
	@mkdir -p $(stage_ksft)/amd_mce_guard $(STAGE)/scripts
	@ln -sfn $(addprefix $(KSFT)/,$(linked)) $(stage_ksft)/
	@ln -sfn $(KSFT)/../../../scripts/subarch.include $(STAGE)/scripts/
	@$(if $(GUARD),:,echo 'amd_mce_guard: there is no module beside the tests, which take that of' \
		'the machine they run on')
	@rsync -a --no-owner --no-group --exclude='*.o' --exclude='.*' $(tests) \
		$(stage_ksft)/amd_mce_guard/

clean:
	rm -rf $(STAGE)

.PHONY: all run_tests install gen_tar stage clean
.DEFAULT_GOAL := all
