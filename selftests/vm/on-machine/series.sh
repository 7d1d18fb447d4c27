#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The series for upstream, built and booted: each patch in turn on the kernel under test, with what
# has been built of that; and each in turn on the newest, as far as its own folders go.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/upstream.sh"
source "$TOP/selftests/vm/lib/verdict.sh"

readonly WORK="$BUILD/check/series"
readonly IN_WORK=/repo/build/check/series

# What the series has of code, and nothing else of a kernel
readonly PARTS='rust/ samples/rust/ drivers/ras/amd/mce_guard/ kernel/trace/ftrace.o'
readonly FILES='ftrace|mce_guard|rust_ftrace'

# in_objects COMMAND...: with the source and the objects of this suite in place of the lab's, since
# what is built knows where it is
in_objects()
{
	local IN_SYSROOT=(--bind "$WORK/source" "$KERNEL_SRC" --bind "$WORK/objects" "$KERNEL_OBJ")

	in_sysroot "$@"
}

makes()
{
	as_somebody "$TOP/rust/upstream/series.sh" "$(source_of oldest)" "$WORK/oldest" &&
		as_somebody "$TOP/rust/upstream/series.sh" "$(source_of newest)" "$WORK/newest" &&
		cp -a "$(kernel_src_dir)" "$WORK/source" &&
		cp -a "$(kernel_obj_dir)" "$WORK/objects"
}

# apply PATCH TREE: as git am does, but in a tree that is not git's
apply()
{
	patch -s -p1 --no-backup-if-mismatch -d "$2" < "$1" || return
	sed -n 's/^ create mode 100755 //p' "$1" | while read -r file; do
		chmod +x "$2/$file"
	done
}

# silent_on_ours COMMAND...: succeeds if COMMAND does, and no warning is about a file of the series
silent_on_ours()
{
	local output

	output=$("$@" 2>&1) || { printf '%s\n' "$output" | grep -A 9 -m 3 -E 'rror'; return 1; }
	! grep -E -A 3 'warning' <<< "$output" | grep -E "$FILES"
}

configure()
{
	local option

	for option; do
		in_objects "$KERNEL_SRC/scripts/config" --file "$KERNEL_OBJ/.config" \
			"${option%%=*}" "${option#*=}" || return
	done
	in_objects make -s -C "$KERNEL_SRC" O="$KERNEL_OBJ" olddefconfig
}

make_objects()
{
	in_objects nice make -C "$KERNEL_SRC" O="$KERNEL_OBJ" -j"$(nproc)" "$@"
}

# builds PATCH: with those before it
builds()
{
	apply "$1" "$WORK/source" && configure --enable=RUST_KERNEL_DOCTESTS --enable=SAMPLES \
		--enable=SAMPLES_RUST --enable=RUST_KUNIT_TESTS --enable=RUST_FTRACE_KUNIT_TEST \
		--module=SAMPLE_RUST_FTRACE --module=AMD_MCE_GUARD &&
		silent_on_ours make_objects bzImage modules
}

# A callback that is not Sync, as in the abstraction's own documentation: `compile_fail` is none of
# those that the kernel's doctests can have.
refuses_a_callback_that_is_not_sync()
{
	local output sample=$WORK/source/samples/rust/rust_ftrace.rs

	cp "$sample" "$WORK/sample"
	sed -i 's/Atomic<u64>/core::cell::Cell<u64>/; s/Atomic::new(0)/core::cell::Cell::new(0)/
		s/self.0.fetch_add(1, Relaxed)/self.0.set(1)/
		s/0.load(Relaxed)/0.get()/' "$sample"
	! output=$(make_objects samples/rust/rust_ftrace.o 2>&1)
	status=$?
	cat "$WORK/sample" > "$sample"
	grep 'E0277.*Cell<u64>.*cannot be shared between threads safely' <<< "$output" &&
		[ $status = 0 ] && make_objects samples/rust/rust_ftrace.o
}

# What the VM takes from here.
installs()
{
	local out=$TOP/build/kernels/series

	rm -rf "$out"
	mkdir -p "$out/modules" "$out/module/rust"
	cp "$WORK/objects/arch/x86/boot/bzImage" "$out/" &&
		cp "$WORK/objects/samples/rust/rust_ftrace.ko" "$out/modules/" &&
		cp "$WORK/objects/drivers/ras/amd/mce_guard/amd_mce_guard.ko" "$out/modules/" &&
		cp "$out/modules/amd_mce_guard.ko" "$out/module/rust/" &&
		in_objects make -C "$KERNEL_SRC/tools/testing/selftests" O="$IN_WORK/tests" \
			TARGETS='x86/mce amd_mce_guard' KDIR="$KERNEL_OBJ" FORCE_TARGETS=1 \
			USERLDFLAGS=-static INSTALL_PATH=/repo/build/kernels/series/kselftest \
			install &&
		cp "$out/modules/amd_mce_guard.ko" "$out/kselftest/amd_mce_guard/" &&
		in_sysroot /repo/selftests/vm/in-sysroot/list-tools.sh > "$out/tools" &&
		in_sysroot /repo/selftests/vm/in-sysroot/build-initramfs.sh \
			/repo/build/kernels/series
}

booted()
{
	VM_TIMEOUT=3600 run_built series "$WORK/vm" upstream kunit.enable=1 \
		SERIES_SRC=$IN_WORK/source
	cat "$WORK/vm/job.log"
	grep -q '^ok 1 ' "$WORK/vm/job.log" && ! grep '^not ok' "$WORK/vm/job.log" &&
		[ "$(grep -c '^ok ' "$WORK/vm/job.log")" = \
			"$(sed -n 's/^1\.\.//p' "$WORK/vm/job.log")" ]
}

# run_built NAME DIR JOB [KERNEL ARGUMENT...]: run_vm with the kernel in build/kernels/NAME
run_built()
(
	# shellcheck disable=SC2034 # for run_vm
	KERNEL_NAME=$1 KERNEL_OUT=/repo/build/kernels/$1
	run_vm "$2" "$3" "$AMD_CPU" "${@:4}"
)

# The thread's procedure with a guest whose kernel is this one, and the guard from its tree.
procedure()
{
	run_vm "$WORK/procedure" procedure "$AMD_CPU" GUESTS=series-unguarded,series-guarded ||
		{ tail -n 5 "$WORK/procedure/job.log"; return 1; }
}

survives()
{
	local missing

	scenario "series-$1"
	missing=$(
		expect "$WORK/procedure/series-$1/console.log" '^guest: ready on 1 CPU'
		"judge_$FATE" "$WORK/procedure/series-$1"
	)
	printf '%s\n' "$missing"
	[ -z "$missing" ]
}

# What has been compiled before is not linted again.
clippy_silent()
{
	touch "$WORK"/source/{rust/kernel/ftrace.rs,samples/rust/rust_ftrace.rs} \
		"$WORK"/source/drivers/ras/amd/mce_guard/guard.rs
	# shellcheck disable=SC2086 # a list
	silent_on_ours make_objects W=1 CLIPPY=1 $PARTS
}

builds_in()
{
	configure --enable=SAMPLE_RUST_FTRACE --enable=AMD_MCE_GUARD &&
		silent_on_ours make_objects bzImage
}

# filter NAME FIXED: the reproducer of patch 1, in the kernel in build/kernels/NAME
filter()
{
	run_built "$1" "$WORK/$1" set_filter "FIXED=$2"
	cat "$WORK/$1/job.log"
	[ "$(grep -c '^ok ' "$WORK/$1/job.log")" = 3 ]
}

# debug_kernel NAME: the one that can fail allocations, in build/kernels/NAME
debug_kernel()
{
	local out=$TOP/build/kernels/$1

	mkdir -p "$out/modules" "$out/kselftest"
	cp "$WORK/debug/arch/x86/boot/bzImage" "$out/" &&
		cp "$TOP/build/kernels/test/tools" "$out/" &&
		in_sysroot cp -r /repo/selftests/vm/in-host-vm/set_filter "$IN_WORK/" &&
		in_debug make -C "$KERNEL_OBJ" M=$IN_WORK/set_filter modules &&
		cp "$WORK/set_filter/test_set_filter.ko" "$out/modules/"
}

in_debug()
{
	local IN_SYSROOT=(--bind "$WORK/debug" "$KERNEL_OBJ" "${CHANGED[@]}")

	in_sysroot "$@"
}

# Patch 1 changes one file.
debug_kernel_with_fix()
{
	cp "$(kernel_src_dir)/kernel/trace/ftrace.c" "$WORK/ftrace.c" &&
		patch -s "$WORK/ftrace.c" "$WORK"/oldest/0001-*.patch || return
	CHANGED=(--ro-bind "$WORK/ftrace.c" "$KERNEL_SRC/kernel/trace/ftrace.c")
	in_debug nice make -C "$KERNEL_SRC" O="$KERNEL_OBJ" -j"$(nproc)" bzImage &&
		debug_kernel fixed-filter
}

# parts NAME [VARIABLE...]: what the series, as far as it has been applied to the newest source, has
# of code
parts()
{
	local src obj=$IN_WORK/newest-$1 config part parts=''
	# shellcheck disable=SC2034 # for in_sysroot
	local IN_SYSROOT=(--bind "$WORK/newest-source" "$(in_sysroot_source newest)")

	src=$(in_sysroot_source newest)
	mkdir -p "$WORK/newest-$1"
	for part in $PARTS; do
		[[ $part != *.o && ! -e $WORK/newest-source/$part ]] || parts+=" $part"
	done
	config="/repo/selftests/config /repo/selftests/vm/kernels/config"
	# shellcheck disable=SC2086 # lists
	in_sysroot env "${@:2}" /repo/selftests/vm/in-sysroot/configure-kernel.sh "$src" "$obj" \
		$config /repo/selftests/vm/kernels/config.host \
		/repo/selftests/vm/kernels/config.upstream > "$WORK/newest-$1.config.log" 2>&1 &&
		in_sysroot nice make -C "$src" O="$obj" "${@:2}" -j"$(nproc)" prepare &&
		silent_on_ours in_sysroot nice make -C "$src" O="$obj" "${@:2}" \
			-j"$(nproc)" $parts && ls "$WORK/newest-$1/rust/kernel.o"
}

# all_built: the last of them have left what they were to be built into
all_built()
{
	local dir

	for dir in "$WORK"/newest-{gcc,clang}; do
		(cd "$dir" && ls rust/doctests_kernel_generated.o samples/rust/rust_ftrace.o \
			drivers/ras/amd/mce_guard/guard.o) || return
	done
}

rm -rf "$WORK"
mkdir -p "$WORK"
CHANGED=()
release=$(release_of oldest) newest=$(release_of newest)
ktap_print_header
ktap_set_plan 40
test_that "the series is made for linux $release and $newest" makes
for i in 1 2 3 4 5 6; do
	test_that "linux $release: builds with patches 1 to $i, their files without warnings" \
		builds "$WORK"/oldest/000$i-*.patch
done
test_that "a callback that is not Sync does not compile" refuses_a_callback_that_is_not_sync
test_that "kselftests of the patched tree are built and installed" installs
test_that "linux $release: doctests, KUnit, sample, guard and kselftests pass" booted
test_that "guests on the patched kernel run to their end" procedure
test_that "linux $release, patched: without the guard the guest panics" survives unguarded
test_that "linux $release, patched: with the guard of its tree it lives" survives guarded

test_that "linux $release, patched: clippy and W=1 are silent on its files" clippy_silent
test_that "linux $release, patched: rustdoc is silent on its files" silent_on_ours \
	make_objects rustdoc
test_that "linux $release, patched: sample and guard are built in" builds_in

use_kernel debug
test_that "objects of the kernel that looks for mistakes are copied" \
	cp -a "$(kernel_obj_dir)" "$WORK/debug"
test_that "linux $release: a module with a filter by name is built" debug_kernel unfixed
test_that "without patch 1 a filter that memory runs out for traces everything" filter unfixed no
test_that "linux $release: builds with patch 1" debug_kernel_with_fix
test_that "with patch 1 it is an error" filter fixed-filter yes

cp -a "$(source_of newest)" "$WORK/newest-source"
for i in 1 2 3 4 5 6; do
	what="linux $newest with patches 1 to $i"
	test_that "linux $newest: patch $i applies" apply "$WORK"/newest/000$i-*.patch \
		"$WORK/newest-source"
	test_that "$what: clippy and W=1 are silent on its files" parts gcc W=1 CLIPPY=1
	test_that "$what: its files build with clang, without warnings" parts clang LLVM=1 W=1
done
test_that "linux $newest: doctests, sample and guard have been built both ways" all_built
