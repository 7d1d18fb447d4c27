# SPDX-License-Identifier: GPL-2.0
#
# The tests outside a kernel tree. With the kernel's source, a copy of them, among links to what
# kselftest has there, is what the kernel's own Makefile then builds, runs, installs and packs.
# Without, as with headers alone, this file does that, and standalone/ has what is run in place of
# the kernel's runner.

# make takes a space for the end of a name, and what follows for another.
ifneq ($(words dir=$(CURDIR) dir=$(STAGE) dir=$(INSTALL_PATH)),3)
$(error amd_mce_guard: "$(CURDIR)", STAGE "$(STAGE)" and INSTALL_PATH "$(INSTALL_PATH)" must be names \
	without a space: move or rename what has one)
endif

KDIR ?= /lib/modules/$(shell uname -r)/build
export KDIR

# Where the kernel's kselftests are; empty if they are not here.
KSFT ?= $(patsubst %/lib.mk,%,$(firstword $(wildcard $(addsuffix /tools/testing/selftests/lib.mk, \
	$(KDIR)/source $(KDIR) /usr/src/linux-source-*))))

# The module to test; one that is not built here is taken from /lib/modules.
GUARD ?= $(wildcard ../rust/amd_mce_guard.ko)

# The doctor, likewise; without it the tests go without what it says.
DOCTOR ?= $(wildcard ../build/doctor/amd-mce-guard-doctor)

STAGE ?= $(abspath ../build/kselftest)
INSTALLED = $(if $(INSTALL_PATH),$(abspath $(INSTALL_PATH)),$(error \
	install needs INSTALL_PATH=<directory>))

# A tarball goes to machines that have other libraries.
install gen_tar: export USERLDFLAGS ?= -static

all run_tests install gen_tar: check

# A module for another kernel would only be found out on the machine that is to be tested.
check:
	@test -n '$(GUARD)' || echo 'amd_mce_guard: there is no module beside the tests, which take' \
		'that of the machine they run on'
	@exec 2> /dev/null; PATH=$$PATH:/sbin:/usr/sbin; \
	release=$$(cat '$(KDIR)/include/config/kernel.release'); \
	for guard in $(GUARD); do \
		is=$$(modinfo -F vermagic "$$guard") || continue; \
		is=$${is%% *}; \
		test "$$is" = "$${release:=$$is}" || { echo "amd_mce_guard: $$guard is for linux" \
			"$$is and KDIR for $$release: build it with \"make KDIR=$(KDIR)\"," \
			"or name another one with GUARD="; exit 1; }; \
	done

ifneq ($(KSFT),)
stage_ksft = $(STAGE)/tools/testing/selftests
tests = Makefile $(TEST_PROGS) $(TEST_PROGS_EXTENDED) lib settings lava.yaml config README test_modules \
	mce.h $(addsuffix .c,$(TEST_GEN_FILES)) $(GUARD) $(DOCTOR)
linked = Makefile lib.mk run_kselftest.sh kselftest kselftest.h kselftest_harness.h

# The kernel's runner knows only the settings of tests in its tree.
export kselftest_override_timeout ?= $(shell sed -n 's/^timeout=//p' settings)

kselftest = +$(MAKE) -C $(stage_ksft) TARGETS=amd_mce_guard FORCE_TARGETS=1

all run_tests gen_tar: stage
	$(kselftest) $@

install: stage
	$(kselftest) install KSFT_INSTALL_PATH=$(INSTALLED)

# From nothing: what was built for another kernel, or with other flags, looks up to date.
stage: check
	@test -f '$(KSFT)/lib.mk' || { echo 'amd_mce_guard: no kselftest in "$(KSFT)":' \
		'name the kernel source with KSFT=<source>/tools/testing/selftests,' \
		'or do without: KSFT='; exit 1; }
	@command -v rsync > /dev/null || { echo 'amd_mce_guard: rsync is not installed, with which' \
		'kselftest installs: install it, or do without kselftest: KSFT='; exit 1; }
	@rm -rf $(stage_ksft)
	@mkdir -p $(stage_ksft)/amd_mce_guard $(STAGE)/scripts
	@ln -sfn $(addprefix $(KSFT)/,$(linked)) $(stage_ksft)/
	@ln -sfn $(KSFT)/../../../scripts/subarch.include $(STAGE)/scripts/
	@rsync -a --no-owner --no-group --exclude='*.o' --exclude='.*' $(tests) \
		$(stage_ksft)/amd_mce_guard/
else
built = $(STAGE)/kselftest
mods = $(STAGE)/test_modules

run_tests: build
	$(built)/run_kselftest.sh

install: build
	@mkdir -p $(INSTALLED)
	cp -r $(built)/. $(INSTALLED)

gen_tar: build
	tar -czf $(STAGE)/kselftest.tar.gz -C $(built) .
	@echo 'Created $(abspath $(STAGE))/kselftest.tar.gz'

all: build

build: check
	@echo 'amd_mce_guard: no kernel source with kselftest (KSFT=), so with a runner of our own'
	@rm -rf $(built) $(mods)
	@mkdir -p $(built)/kselftest $(built)/amd_mce_guard/test_modules $(mods)
	@install -m 755 -t $(built) standalone/run_kselftest.sh
	@install -m 644 -t $(built)/kselftest standalone/ktap_helpers.sh
	@install -m 755 -t $(built)/amd_mce_guard $(TEST_PROGS) $(TEST_PROGS_EXTENDED)
	@cp -r $(TEST_FILES) config $(GUARD) $(DOCTOR) $(built)/amd_mce_guard/
	@printf 'amd_mce_guard:%s\n' $(TEST_PROGS) > $(built)/kselftest-list.txt
	@install -m 644 -t $(mods) test_modules/Makefile $(wildcard test_modules/*.c)
	for program in $(TEST_GEN_FILES); do \
		$(CC) $(CFLAGS) -D_GNU_SOURCE= $(USERCFLAGS) $(LDFLAGS) $(USERLDFLAGS) \
			-o $(built)/amd_mce_guard/$$program $$program.c || exit; \
	done
	+$(MAKE) -C $(mods)
	@find $(mods) -name '*.ko' -exec cp -t $(built)/amd_mce_guard/test_modules {} +
endif

clean:
	rm -rf $(addprefix $(STAGE)/,tools scripts kselftest test_modules kselftest.tar.gz)

.PHONY: all run_tests install gen_tar check stage build clean
.DEFAULT_GOAL := all
