# SPDX-License-Identifier: GPL-2.0
#
# amd_mce_guard, built out of tree. `make help` lists the targets.

KDIR ?= /lib/modules/$(shell uname -r)/build
cache = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/amd-mce-guard

# Where rust-metadata has made a tree to build in, of a kernel that has none itself.
release := $(shell cat $(KDIR)/include/config/kernel.release 2> /dev/null)
tree = $(cache)/trees/$(release)$(if $(SELF_CONTAINED),-self-contained)
kdir := $(KDIR)
ifeq ($(if $(SELF_CONTAINED),,$(wildcard $(KDIR)/rust/libkernel.rmeta)),)
kdir := $(or $(patsubst %/amd_mce_guard.mk,%,$(wildcard $(tree)/amd_mce_guard.mk)),$(KDIR))
endif
-include $(kdir)/amd_mce_guard.mk

# A kernel that clang has built takes no module that gcc has.
LLVM ?= $(if $(shell grep -s '^CONFIG_CC_IS_CLANG=y' $(kdir)/include/config/auto.conf),1)
ifneq ($(LLVM),)
export LLVM
endif

# Where kbuild puts what it builds; its own variable for that is MO.
out = $(abspath $(or $(MO),$(CURDIR)))
kbuild = $(MAKE) -C $(kdir) M=$(CURDIR) $(if $(MO),MO=$(out)) $(AMD_MCE_GUARD_TOOLS) \
	SELF_CONTAINED=$(SELF_CONTAINED)

bindings = $(out)/rust/bindings/bindings_generated.rs

# Removes a directory unless a run is at work in it.
define remove_unused
@test ! -d '$(1)' || flock -n '$(1)/lock' rm -rf '$(1)' || \
	{ echo 'amd_mce_guard: a run is at work in $(1); try again when it has ended'; exit 1; }
endef

all: modules

modules: preflight
	+$(kbuild) modules
	$(if $(SELF_CONTAINED),@size $(out)/rust/amd_mce_guard.ko)

modules_install:
	+$(kbuild) modules_install

# With the key of the machine's owner, or KEY= and CERT=.
sign:
	@KEY='$(KEY)' CERT='$(CERT)' rust/install/sign.sh $(kdir) $(out)/rust/amd_mce_guard.ko

# Says in words what is missing, before rustc or modpost fail without.
preflight:
	@SELF_CONTAINED=$(SELF_CONTAINED) rust/build/preflight.sh $(kdir) $(KDIR)

# Makes what is missing of a tree for Rust modules, in the cache.
rust-metadata:
	@KDIR='$(KDIR)' KERNEL_SOURCE='$(KERNEL_SOURCE)' KERNEL_CONFIG='$(KERNEL_CONFIG)' \
		IMAGE='$(IMAGE)' SELF_CONTAINED='$(SELF_CONTAINED)' CACHE='$(cache)' \
		rust/metadata.sh

# kbuild knows nothing of the module's generated bindings, nor then does rust-analyzer.
rust-analyzer: modules
	+$(kbuild) rust-analyzer
	@sed -i 's|"RUST_MODFILE": "[^"]*"|&, "AMD_MCE_GUARD_BINDINGS": "$(bindings)"|' \
		$(out)/rust-project.json

clean:
	+$(if $(wildcard $(kdir)/include),$(kbuild) clean,@echo 'No $(kdir); its output stays')
	$(call remove_unused,build)

# A Debian source package and the package, in build/deb.
deb:
	@rust/install/make-deb.sh build/deb

# Linked statically, so that one serves every machine, and an initramfs.
RUSTC ?= rustc
doctor = build/doctor/amd-mce-guard-doctor
$(doctor): $(wildcard rust/doctor/*.rs)
	@command -v $(RUSTC) > /dev/null || { echo 'amd_mce_guard: $(RUSTC) is missing, which' \
		"builds the doctor; install it (Debian's package rustc)"; exit 1; }
	@mkdir -p $(@D)
	@$(RUSTC) --edition 2021 -O -C panic=abort -C strip=symbols \
		-C target-feature=+crt-static -o $@ rust/doctor/main.rs

# Is this machine affected, is it protected? An exit status of 1 or 2 is an answer, too.
doctor: $(doctor)
	@$(doctor) $(if $(IMAGE),--image $(IMAGE))

setup:
	@selftests/vm/setup.sh

demo:
	@selftests/vm/demo.sh

check:
	@selftests/vm/check.sh

check-fast:
	@TESTS="preflight kunit deferred" selftests/vm/check.sh

mutations:
	@selftests/vm/mutations.sh

distclean: clean
	$(call remove_unused,$(cache))

help:
	@echo 'Building, for the kernel whose build tree is KDIR'
	@echo '(default /lib/modules/$$(uname -r)/build):'
	@echo '  modules          - build amd_mce_guard.ko (default); CLIPPY=1 also lints;'
	@echo '                     SELF_CONTAINED=1 for a kernel that has no CONFIG_RUST'
	@echo '  sign             - sign it for a kernel that is locked down, with the MOK or KEY='
	@echo '                     and CERT='
	@echo '  modules_install  - install it below /lib/modules'
	@echo '  rust-metadata    - make a tree to build in for a kernel without Rust metadata from'
	@echo '                     KERNEL_SOURCE=<tree|tarball|linux-source package>, in the cache'
	@echo '  rust-analyzer    - write rust-project.json'
	@echo '  clean            - remove what was built here'
	@echo '  deb              - Debian package, in build/deb; DKMS builds the module'
	@echo
	@echo 'On the machine that is to be guarded:'
	@echo '  doctor           - is it affected, is it protected? IMAGE= names its kernel'
	@echo
	@echo 'The lab, on any x86-64 machine; KERNEL=<version|tree|tarball> chooses the kernel,'
	@echo 'ACCEL=kvm the host VM where AMD virtualization can be nested:'
	@echo '  demo             - a guest that panics without the guard and lives with it'
	@echo '  check            - lint, build and test everything; TESTS="deferred ftrace" some'
	@echo '  check-fast       - what to run between edits'
	@echo '  mutations        - break things on purpose: do the tests notice?'
	@echo '  setup            - get what demo and check need, and stop there'
	@echo '  distclean        - clean, and remove what setup got'

.PHONY: all modules modules_install sign preflight rust-metadata rust-analyzer clean deb doctor \
	setup demo check check-fast mutations distclean help
