#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In a VM whose time is its instructions: what a poll costs beside each of $BESIDE, in turn. Each
# is a module that is loaded, measured and unloaded again; "none" is none. "protected" is how long
# it takes insmod, in microseconds of the VM, until the module is at work; "bytes" is its memory
# and the pages of code that ftrace writes for it.
#
# VM: cpus=1 icount

# trampolines: how many pages of ftrace's there are
trampolines()
{
	grep -c '\[__builtin__ftrace\]' /proc/kallsyms
}

# A livepatch is at work, or has gone, when each task has come over.
transition()
{
	while [ "$(cat "/sys/kernel/livepatch/$1/transition" 2> /dev/null)" = 1 ]; do
		sleep 0.01
	done
}

remove()
{
	if [ -e "/sys/kernel/livepatch/$1" ]; then
		echo 0 > "/sys/kernel/livepatch/$1/enabled"
		transition "$1"
	fi
	rmmod "$1"
}

# shellcheck disable=SC2153 # from the kernel command line
for beside in ${BESIDE//,/ }; do
	case $beside in
	none) module='' ;;
	guard) module=$OUT/module/rust/amd_mce_guard.ko ;;
	standin) module=$OUT/bench-guard/rust/amd_mce_guard.ko ;;
	*) module=$OUT/bench-modules/test_mce_bench_$beside.ko ;;
	esac
	echo "beside $beside"
	if [ -n "$module" ]; then
		name=$(basename "$module" .ko)
		cp "$module" /tmp || exit
		pages=$(trampolines)
		before=${EPOCHREALTIME/./}
		insmod "/tmp/$name.ko" || exit
		transition "$name"
		echo "protected $((${EPOCHREALTIME/./} - before))"
		pages=$(($(trampolines) - pages))
		size=$(awk -v name="$name" '$1 == name { print $2 }' /proc/modules)
		echo "bytes $((size + 4096 * pages))"
	fi
	dmesg -C
	# It measures and does not stay.
	insmod "$OUT/bench-modules/test_mce_bench.ko" 2> /dev/null
	dmesg | sed -n 's/.*test_mce_bench: //p'
	[ -z "$module" ] || remove "$name" || exit
done
