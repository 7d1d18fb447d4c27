# SPDX-License-Identifier: GPL-2.0
#
# amd_mce_guard, built out of tree. `make help` lists the targets.

KDIR ?= /lib/modules/$(shell uname -r)/build
cache = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/amd-mce-guard

# A kernel that clang has built takes no module that gcc has.
LLVM ?= $(if $(shell grep -s '^CONFIG_CC_IS_CLANG=y' $(KDIR)/include/config/auto.conf),1)
ifneq ($(LLVM),)
export LLVM
endif

RUSTC ?= rustc
BINDGEN ?= bindgen

# The kernel's own Rust crates, or a stand-in for them.
crate = $(firstword $(shell RUSTC='$(RUSTC)' rust/build/crate.sh '$(KDIR)' '$(KERNEL_CRATE)'))

# Where kbuild puts what it builds; its own variable for that is MO.
out = $(abspath $(or $(MO),$(CURDIR)))
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR) $(if $(MO),MO=$(out)) KERNEL_CRATE=$(crate) \
	RUSTC='$(RUSTC)' BINDGEN='$(BINDGEN)'

bindings = $(out)/rust/bindings/bindings_generated.rs

# Removes a directory unless a run is at work in it.
define remove_unused
@test ! -d '$(1)' || flock -n '$(1)/lock' rm -rf '$(1)' || \
	{ echo 'amd_mce_guard: a run is at work in $(1); try again when it has ended'; exit 1; }
endef

all: modules

modules: preflight
	+$(kbuild) modules

modules_install:
	+$(kbuild) modules_install

# With the key of the machine's owner, or KEY= and CERT=.
sign:
	@KEY='$(KEY)' CERT='$(CERT)' rust/install/sign.sh $(KDIR) $(out)/rust/amd_mce_guard.ko

# What is missing, and whether the headers are those of the kernel; before rustc, modpost or a
# machine fail without.
preflight:
	@RUSTC='$(RUSTC)' BINDGEN='$(BINDGEN)' rust/build/preflight.sh '$(KDIR)' '$(KERNEL_CRATE)'
	@rust/build/check-layout.sh '$(KDIR)' '$(VMLINUX)'

# kbuild knows nothing of the module's generated bindings, nor then does rust-analyzer.
rust-analyzer: modules
	+$(kbuild) rust-analyzer
	@sed -i 's|"RUST_MODFILE": "[^"]*"|&, "AMD_MCE_GUARD_BINDINGS": "$(bindings)"|' \
		$(out)/rust-project.json

clean:
	+$(if $(wildcard $(KDIR)/include),$(kbuild) clean,@echo 'No $(KDIR); its output stays')
	$(call remove_unused,build/mutations)
	$(call remove_unused,build)

# A package for DKMS and its source package, in build/deb or build/rpm.
deb rpm:
	@rust/install/package.sh $@ build/$@

# Linked statically, so that one serves every machine, and an initramfs.
doctor = build/doctor/amd-mce-guard-doctor
$(doctor): $(wildcard rust/doctor/*.rs)
	@command -v $(RUSTC) > /dev/null || { echo 'amd_mce_guard: $(RUSTC) is missing, which' \
		"builds the doctor; install it (Debian's package rustc)"; exit 1; }
	@mkdir -p $(@D)
	@$(RUSTC) --edition 2021 -O -C panic=abort -C strip=symbols \
		-C target-feature=+crt-static -o $@ rust/doctor/main.rs

# Is this machine affected, is it protected? An exit status of 1 or 2 is an answer, too.
doctor: $(doctor)
	@$(doctor) $(if $(IMAGE),--image '$(IMAGE)')

# All pages anew, so that a warning of a page that has not changed is not lost.
SPHINXBUILD ?= sphinx-build
htmldocs:
	@command -v $(SPHINXBUILD) > /dev/null || { echo 'amd_mce_guard: $(SPHINXBUILD) is missing,' \
		"which builds the documents; install it (Debian's package python3-sphinx)"; exit 1; }
	@$(SPHINXBUILD) -q -E -W -n -b html -d build/doctrees Documentation build/html
	@echo 'amd_mce_guard: the documents are in build/html/index.html'

setup:
	@selftests/vm/setup.sh

demo:
	@selftests/vm/demo.sh

check:
	@selftests/vm/check.sh

check-all:
	@selftests/vm/check.sh all

# What check-all does and check has done already.
check-rest:
	@selftests/vm/check.sh rest

# The patches that the kernel itself could have, for the source in KERNEL.
upstream:
	@rust/upstream/series.sh "$(KERNEL)" build/upstream

check-fast:
	@TESTS="preflight kunit deferred" selftests/vm/check.sh

upstream-check:
	@selftests/vm/upstream-check.sh

prove:
	@selftests/vm/prove.sh

bench:
	@selftests/vm/bench.sh

campaign:
	@N='$(N)' SEED='$(SEED)' INDEX='$(INDEX)' selftests/vm/campaign.sh

mutations:
	@selftests/vm/mutations.sh

distclean: clean
	$(call remove_unused,$(cache))

help:
	@echo 'Building, for the kernel whose build tree is KDIR'
	@echo '(default /lib/modules/$$(uname -r)/build):'
	@echo '  modules          - build amd_mce_guard.ko (default); CLIPPY=1 also lints;'
	@echo '                     KERNEL_CRATE=tree or standin forces the Rust crates it uses;'
	@echo '                     VMLINUX= names an image with BTF to compare structures with;'
	@echo '                     SELFTEST=1 with the stand-in runs the KUnit tests when it loads'
	@echo '  preflight        - what is missing to build it, and do the headers fit?'
	@echo '  modules_install  - install it below /lib/modules'
	@echo '  rust-analyzer    - write rust-project.json'
	@echo '  clean            - remove what was built here'
# What DKMS has below /usr/src is the module alone.
ifneq ($(wildcard rust/doctor),)
	@echo '  sign             - sign it for a kernel that is locked down, with the MOK or KEY='
	@echo '                     and CERT='
	@echo '  upstream         - patches for the kernel source in KERNEL=, in build/upstream'
	@echo '  deb, rpm         - package for DKMS, in build/deb or build/rpm'
	@echo '  htmldocs         - Documentation/ as HTML, in build/html'
	@echo
	@echo 'On the machine that is to be guarded:'
	@echo '  doctor           - is it affected, is it protected? IMAGE= names its kernel'
endif
ifneq ($(wildcard selftests/vm),)
	@echo
	@echo 'The lab, on any x86-64 machine; KERNEL=<version|tree|tarball> chooses the kernel,'
	@echo 'ACCEL=kvm the host VM where AMD virtualization can be nested:'
	@echo '  demo             - a guest that panics without the guard and lives with it'
	@echo '  check            - prove it on the kernel of the demo and a stock one;'
	@echo '                     TESTS="deferred ftrace" runs some tests, TESTS=kunit a job,'
	@echo '                     SCENARIOS= with TESTS= some guests of it'
	@echo '  check-all        - prove the rest, too: other kernels, packages, long runs;'
	@echo '                     check-rest is that rest alone'
	@echo '  check-fast       - what to run between edits'
	@echo '  prove            - does a guarded kernel do what a fixed one does, error by error?'
	@echo '                     SEED= chooses the errors'
	@echo '  bench            - what the guard costs, and what others would; LIVEPATCH=none is'
	@echo '                     quicker'
	@echo '  campaign         - N= random errors (100000) by SEED= while modules, tracers and CPUs'
	@echo '                     come and go; INDEX= begins there'
	@echo '  upstream-check   - build and boot kernels with the series for upstream'
	@echo '  mutations        - break things on purpose: do the tests notice? MUTATIONS= names some'
	@echo '  setup            - get what demo and check need, and stop there'
	@echo '  distclean        - clean, and remove what setup got'
endif

.PHONY: all modules modules_install sign preflight rust-analyzer clean deb rpm doctor htmldocs \
	setup demo check check-all check-rest check-fast prove campaign bench upstream \
	upstream-check mutations distclean help
