# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2086 # for whoever sources this, lists of words
# What `make check` and `make check-all` consist of: jobs, which run side by side. Adding one is a
# line here. Each job has suites, whose KTAP is in build/check/JOB/SUITE.ktap.

JOBS=()
declare -A LIST NEEDS SUITES RUN
job()
{
	JOBS+=("$1")
	LIST[$1]=$2 NEEDS[$1]=${3//,/ } SUITES[$1]=${4//,/ } RUN[$1]=${*:5}
}

# The kselftests that any VM with something to guard runs: those in selftests/Makefile, less what
# needs a daemon beside it or a CPU of another kind.
KSELFTESTS=$(sed -n 's/^\ttest-\([a-z-]*\)\.sh.*/\1/p' \
	"$(dirname "${BASH_SOURCE[0]}")/../Makefile" | grep -vx -e rasdaemon -e unaffected |
	paste -sd ,)
# Those of them that are quick, and tell whether the module does what it must on one more kernel.
BASIC=load,unload,deferred,ftrace
# Those in which lockdep and KASAN could find something that they could not in the other three.
CHECKED=$(tr , '\n' <<< "$KSELFTESTS" | grep -vx -e beside -e corrected -e memory | paste -sd ,)
# What a fixed kernel runs without the guard, as the reference for what it does with it.
REFERENCES=deferred,corrected,memory,hotplug,threshold,rasdaemon
# In these the callback is called in different ways: by a trampoline of its own, which checks no
# type, or from ftrace's list of users, which does.
CALLED=deferred,among
# They run in a guest on KVM, which an error would panic.
NESTED=deferred,memory,unload
# Kernels: those without Rust or from before the defect, and what some jobs need of them.
OTHERS=${KERNELS_OF_OTHERS// /,}
STOCKS=stock,$DEBIAN_BEFORE
CLEAN=stock,cleanroot
NO_KUNIT=clang,${VENDORS// /,},newer-rustc
BUILT_FOR=clang,${VENDORS// /,},$STOCKS
LOOKED_AT=stock,$OTHERS
BACKPORTS=${VENDORS// /,}

# LIST is check, or all for what check-all adds. KERNELS are those of kernels.sh that there must be
# beside the one under test. RUN BY is a function of on-machine/run-job.sh:
#
#   kselftests KERNEL CPU [ARGUMENT...]  the suites are kselftests, which run in one host VM
#   in_vm KERNEL [ARGUMENT...]           in-host-vm/JOB.sh, in one
#   guests SCENARIO...                   of scenarios.sh, in guests of one
#   on_machine                           on-machine/JOB.sh, on this machine
#
# In each list those that take longest come first.
#
#   JOB         LIST  KERNELS    SUITES                  RUN BY
job amd         check none       "$KSELFTESTS,rasdaemon" kselftests test "$AMD_CPU"
job stock       check stock      $BASIC                  kselftests stock "$AMD_CPU" COPY=yes
job procedure   check stock      procedure               guests thread smp2 fixed
job prove       check fixed      prove                   on_machine
job campaign    check none       campaign                on_machine
job page        check none       page                    on_machine
job lint        check stock      lint                    on_machine
job signing     check stock      signing                 on_machine
job running     check stock      running                 in_vm stock
job install     check stock      install                 on_machine
job cost        check fixed      cost                    on_machine
job preflight   check $STOCKS    preflight               on_machine
job overwritten check none       overwritten             in_vm test
job broken      check none       broken                  in_vm test
job upstream    check newest     upstream                on_machine
job intel       check none       unaffected              kselftests test "$INTEL_CPU"
job hygon       check none       unaffected              kselftests test "$HYGON_CPU"
job nomca       check none       unaffected              kselftests test "$AMD_CPU,mca=off"
job smca        check none       unaffected              kselftests test "$AMD_CPU" setcpuid=smca
job kunit       check none       kunit                   in_vm test kunit.enable=1
job caution     check none       caution                 on_machine
job machine     all   $CLEAN     machine                 on_machine
job package     all   $CLEAN     package                 on_machine
job debug       all   debug      "$CHECKED,checkers"     \
	kselftests debug "$AMD_CPU" panic_on_warn=1
job nested      all   none       "$NESTED,nested"        in_vm test TESTS=$NESTED
job faults      all   debug      faults                  in_vm debug kmemleak=on slab_nomerge
job variants    all   none       variants                guests $VARIANTS
job models      all   none       models                  guests $MODELS
job comeback    all   vendor-6.12 comeback               guests $COMEBACK
job neighbours  all   stock      beside,among            kselftests stock "$AMD_CPU" COPY=yes
job kernels     all   $OTHERS    kernels                 guests $KERNELS_OF_OTHERS
job build       all   $BUILT_FOR build                   on_machine
job clang       all   clang      $CALLED                 kselftests clang "$AMD_CPU"
job reference   all   stock      "$REFERENCES"           \
	kselftests stock "$AMD_CPU" COPY=yes REFERENCE=yes
job selftest    all   $NO_KUNIT  selftest                on_machine
job doctor      all   $LOOKED_AT doctor                  on_machine
job lava        all   none       lava                    on_machine
job backport    all   $BACKPORTS backport                on_machine

readonly JOBS LIST NEEDS SUITES RUN KSELFTESTS

# may_skip JOB TEST: that it cannot run there is known. In the lab any other skip is a failure.
may_skip()
{
	case "$1: $2" in
	# Linux 7.3 refuses to switch ftrace off.
	"stock: the guard does not load with kernel.ftrace_enabled=0"*) ;;
	# It would panic the guest.
	"nested: without the guard amd_clear_bank() sees"*) ;;
	# That guest has one CPU.
	"nested: unloading polls an error that waits in a bank of another CPU"*) ;;
	# What the lab's own kernels have not.
	"amd: "*"a BPF program"* | "debug: "*"a BPF program"* | "clang: "*"a BPF program"*) ;;
	# Its root file system is in memory, where no page is clean.
	"lava/counted: a clean page of the page cache is read again"*) ;;
	# What the archive has not any more.
	"stock: all of it" | "neighbours: all of it" | "reference: all of it" | \
		"running: all of it" | "machine: all of it" | "install: "* | "package: "* | \
		"signing: "* | \
		*": "*"Debian's linux $STOCK_SERIES"*)
		unavailable stock > /dev/null ;;
	*": "*"Debian's linux "*)
		unavailable "$(sed -E "s/.*Debian's linux ([0-9.]*[0-9]).*/debian-\1/" <<< "$2")" \
			> /dev/null ;;
	*)
		return 1 ;;
	esac
}
