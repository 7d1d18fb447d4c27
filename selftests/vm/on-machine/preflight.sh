#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What make does before it builds: it chooses the Rust crates, names each thing that is missing, and
# compares the headers with the kernel they are for.

source "$(dirname "$0")/../lib/suite.sh"

readonly KDIR="$BUILD/check/preflight/kdir"
readonly IN_KDIR=/repo/build/check/preflight/kdir

# fake_kdir [SED EXPRESSION]: a build tree like the kernel's, with its configuration edited
fake_kdir()
{
	rm -rf "$KDIR"
	mkdir -p "$KDIR/include/config" "$KDIR/rust"
	touch "$KDIR/Makefile"
	sed "${1:-}" "$(kernel_obj_dir)/include/config/auto.conf" > "$KDIR/include/config/auto.conf"
	cp "$(kernel_obj_dir)/include/config/kernel.release" "$KDIR/include/config/"
	for crate in core kernel; do
		head -c 4096 "$(kernel_obj_dir)/rust/lib$crate.rmeta" > "$KDIR/rust/lib$crate.rmeta"
	done
}

# preflight [VARIABLE=VALUE...]: run it on that tree
preflight()
{
	in_sysroot make -s -C /repo preflight KDIR=$IN_KDIR "$@"
}

# chooses CRATE REASON [VARIABLE=VALUE...]: the preflight succeeds, with that crate, and says why
chooses()
{
	local crate=$1 reason=$2 output status=0

	output=$(preflight "${@:3}" 2>&1) || status=$?
	printf '%s\n' "$output"
	[ $status -eq 0 ] && grep -q "building on the $crate.*: $reason" <<< "$output"
}

readonly OWN="kernel's own Rust crates" STANDIN="stand-in"

own_crates()
{
	fake_kdir && chooses "$OWN" '.*made by this rustc'
}

without_rust()
{
	fake_kdir '/^CONFIG_RUST=/d' && chooses $STANDIN 'the kernel has no CONFIG_RUST'
}

# As some distributions have it: a compiler was there, and nobody asked for Rust.
rust_available()
{
	fake_kdir 's/^CONFIG_RUST=y/CONFIG_RUST_IS_AVAILABLE=y/' && rm -r "$KDIR/rust" &&
		chooses $STANDIN 'the kernel has no CONFIG_RUST'
}

without_metadata()
{
	fake_kdir && rm "$KDIR/rust/lib$1.rmeta" &&
		chooses $STANDIN "there is no .*/rust/lib$1.rmeta"
}

without_rust_folder()
{
	fake_kdir && rm -r "$KDIR/rust" && chooses $STANDIN 'there is no .*/rust/libcore.rmeta'
}

# What an upgrade of the compiler leaves behind.
stale_metadata()
{
	fake_kdir && printf 'rust\0\0\0\x09\x13rustc 1.84.0 (9fc6b4312 2025-01-07)' \
		> "$KDIR/rust/lib$1.rmeta" && chooses $STANDIN ".*was made by 'rustc 1.84.0"
}

# Of the same release, built by somebody else: rustc compares to the last word.
described_otherwise()
{
	local version

	version=$(in_sysroot rustc --version) && version=${version% (built *}
	fake_kdir && printf 'rust\0\0\0\x09\x40%s (Fedora 1.85.1-1.fc42)\0' "$version" \
		> "$KDIR/rust/libkernel.rmeta" &&
		chooses $STANDIN ".*was made by 'rustc .*Fedora 1.85.1-1.fc42)'"
}

damaged_metadata()
{
	fake_kdir && : > "$KDIR/rust/libkernel.rmeta" &&
		chooses $STANDIN '.*does not say what rustc made it'
}

# The version in the configuration says what there was when it was configured, and no more.
other_rustc_configured()
{
	fake_kdir 's/^CONFIG_RUSTC_VERSION=.*/CONFIG_RUSTC_VERSION=107800/' &&
		chooses "$OWN" '.*made by this rustc'
}

older_crates()
{
	fake_kdir && echo 6.18.15 > "$KDIR/include/config/kernel.release" &&
		chooses $STANDIN "the crates of linux 6.18.15 are older than 6.19's"
}

refuses_spaces()
{
	fake_kdir && refuses "KDIR '/a b' and MO '' must be" \
		in_sysroot make -s -C /repo preflight KDIR='/a b' &&
		refuses "MO '/a b' must be" preflight MO='/a b'
}

refuses_mo()
{
	fake_kdir && preflight MO=/tmp/out && echo 6.12.48+deb13-amd64 > \
		"$KDIR/include/config/kernel.release" &&
		refuses 'MO= came with linux 6.13' preflight MO=/tmp/out KERNEL_CRATE=standin
}

forced()
{
	fake_kdir && chooses $STANDIN 'KERNEL_CRATE says so' KERNEL_CRATE=standin &&
		chooses "$OWN" 'KERNEL_CRATE says so' KERNEL_CRATE=tree
}

without_option()
{
	fake_kdir "/^$1=/d" && refuses "the kernel has no $1:" preflight
}

randstruct()
{
	fake_kdir 's/^CONFIG_MODULES=y/&\nCONFIG_RANDSTRUCT=y/' &&
		refuses 'the kernel has CONFIG_RANDSTRUCT: .*not to Rust' preflight
}

unconfigured()
{
	fake_kdir && rm "$KDIR/include/config/auto.conf" && refuses 'is not configured' preflight
}

missing_tool()
{
	fake_kdir && refuses 'no-such-tool is not installed' preflight "$1=no-such-tool"
}

# rustc VERSION SYSROOT: one that says so
rustc()
{
	cat > "$KDIR/rustc" <<- END
		#!/bin/sh
		case \$1 in
		--version) echo 'rustc $1 (9fc6b4312 2025-01-07)' ;;
		*) echo $2 ;;
		esac
	END
	chmod +x "$KDIR/rustc"
}

old_rustc()
{
	fake_kdir && rustc 1.84.1 /usr && refuses "is 'rustc 1.84.1 .*needs 1.85 or newer" \
		preflight RUSTC=$IN_KDIR/rustc
}

old_bindgen()
{
	fake_kdir && printf '%s\n' '#!/bin/sh' 'echo bindgen 0.66.1' > "$KDIR/bindgen" &&
		chmod +x "$KDIR/bindgen" &&
		refuses "is 'bindgen 0.66.1', the module needs 0.71 or newer" \
			preflight BINDGEN=$IN_KDIR/bindgen
}

missing_rust_src()
{
	fake_kdir && rustc 1.85.1 $IN_KDIR &&
		refuses "there is no $IN_KDIR/lib/rustlib/src.*install the package rust-src" \
			preflight RUSTC=$IN_KDIR/rustc
}

missing_clang()
{
	fake_kdir 's/^CONFIG_MODULES=y/&\nCONFIG_CC_IS_CLANG=y/' || return
	IN_SYSROOT=(--tmpfs /usr/lib/llvm-19/bin)
	refuses 'clang is not installed; the kernel was built by clang' preflight
}

missing_kdir()
{
	refuses 'no kernel build tree in /nonexistent; install the kernel.s headers package' \
		in_sysroot make -s -C /repo preflight KDIR=/nonexistent
}

wrong_choice()
{
	fake_kdir && refuses "KERNEL_CRATE is 'mine': it can be 'tree' or 'standin'" preflight \
		KERNEL_CRATE=mine
}

# The environment counts as much as the command line.
tool_in_environment()
{
	fake_kdir && rustc 1.84.1 /usr &&
		refuses "is 'rustc 1.84.1 .*needs 1.85 or newer" in_sysroot env \
			RUSTC=$IN_KDIR/rustc make -s -C /repo preflight KDIR=$IN_KDIR
}

# A string in a file is no code.
hostile_release()
{
	# shellcheck disable=SC2016 # for make, and for a shell
	fake_kdir && echo '6.1$(shell touch /repo/build/check/preflight/made)`id`' \
		> "$KDIR/include/config/kernel.release" &&
		chooses $STANDIN 'the crates of linux 6.1' && [ ! -e "$KDIR/../made" ]
}

# layout KDIR: what the comparison with the kernel says
layout()
{
	in_sysroot rust/build/check-layout.sh "$@"
}

# says PATTERN COMMAND...: COMMAND succeeds, and says that
says()
{
	local output

	output=$("${@:2}" 2>&1) || { printf '%s\n' "$output"; return 1; }
	printf '%s\n' "$output"
	grep -q "$1" <<< "$output"
}

other_structures()
{
	refuses 'struct .* of the kernel (<, from .*) is not what the headers' layout "$STOCK_OBJ" \
		"$BEFORE_OBJ/vmlinux"
}

# A kernel whose structures are right, and whose function is not.
other_prototype()
{
	rm -rf "$KDIR"
	mkdir -p "$KDIR/module"
	echo 'obj-m := other.o' > "$KDIR/module/Kbuild"
	cat > "$KDIR/module/other.c" <<- END
		#include <linux/module.h>
		#include "/repo/rust/bindings/bindings_helper.h"
		struct ftrace_ops a; struct module b; struct mce c; struct cpuinfo_x86 d;
		struct pt_regs e; struct notifier_block f;
		void amd_clear_bank(unsigned int bank);
		void amd_clear_bank(unsigned int bank) { pr_info("%u", bank); }
	END
	in_sysroot make -s -C "$KERNEL_OBJ" M=$IN_KDIR/module KCFLAGS=-g other.o &&
		in_sysroot pahole -J $IN_KDIR/module/other.o || return
	refuses "amd_clear_bank() of the kernel is 'void amd_clear_bank(unsigned int" \
		layout "$KERNEL_OBJ" $IN_KDIR/module/other.o
}

ktap_print_header
ktap_set_plan 38
test_that "the kernel's own crates are used where rustc can read them" own_crates
test_that "a kernel without CONFIG_RUST gets the stand-in" without_rust
test_that "a kernel with CONFIG_RUST_IS_AVAILABLE only gets the stand-in" rust_available
test_that "headers without rust/ get the stand-in" without_rust_folder
for crate in core kernel; do
	test_that "headers without lib$crate.rmeta get the stand-in" without_metadata $crate
	test_that "a lib$crate.rmeta of another rustc is not used" stale_metadata $crate
done
test_that "a libkernel.rmeta by another build of the same rustc is not used" described_otherwise
test_that "an empty libkernel.rmeta is not used" damaged_metadata
test_that "crates older than those of 6.19 are not used" older_crates
test_that "CONFIG_RUSTC_VERSION of another rustc does not matter" other_rustc_configured
test_that "KERNEL_CRATE= forces either crate" forced
test_that "KERNEL_CRATE= with an unknown value is refused" wrong_choice
for option in CONFIG_MODULES CONFIG_X86_MCE_AMD CONFIG_FUNCTION_TRACER \
	CONFIG_DYNAMIC_FTRACE_WITH_ARGS CONFIG_KALLSYMS; do
	test_that "a kernel without $option is refused" without_option $option
done
test_that "a kernel with CONFIG_RANDSTRUCT is refused" randstruct
test_that "a kernel tree that is not configured is refused" unconfigured
test_that "a KDIR that is not there is refused, with the package to install" missing_kdir
test_that "a missing rustc is named" missing_tool RUSTC
test_that "a missing bindgen is named" missing_tool BINDGEN
test_that "a rustc before 1.85 is refused" old_rustc
test_that "a bindgen before 0.71 is refused" old_bindgen
test_that "a missing rust-src is named" missing_rust_src
test_that "a missing clang is named for a kernel that clang has built" missing_clang
test_that "RUSTC in the environment is the rustc that is looked at" tool_in_environment
test_that "a release with a command in it is not run" hostile_release
test_that "a path with a space is refused" refuses_spaces
test_that "MO= is refused for a kernel that does not know it" refuses_mo
test_that "a VMLINUX= that is not there is refused" refuses 'cannot be read' \
	layout "$KERNEL_OBJ" /nonexistent
test_that "a VMLINUX= without BTF is refused" refuses 'has no BTF' \
	layout "$KERNEL_OBJ" "$KERNEL_OBJ/vmlinux"
test_that "make says so if there is nothing to compare layouts with" \
	says 'the layout of structures is not checked' layout "$KERNEL_OBJ"
test_with stock "the layouts of Debian's linux $STOCK_SERIES are compared, and amd_clear_bank()" \
	says 'has the same ftrace_ops .*, and amd_clear_bank(struct mce \*)' layout "$STOCK_OBJ"
test_with "$DEBIAN_BEFORE" "headers of another kernel are refused, with the structure" \
	other_structures
test_that "an amd_clear_bank() that takes something else is refused" other_prototype
