#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In a VM of a kernel without KUnit: loads the module that runs its KUnit suites by itself, and then
# the module as it is for people. What the kernel says goes to /lab, for on-machine/selftest.sh to
# judge.

loaded()
{
	insmod "$OUT/$1/rust/amd_mce_guard.ko"
	echo "$1: insmod exit status $?"
	rmmod amd_mce_guard
	echo "$1: rmmod exit status $?"
}

loaded selftest
loaded module
dmesg | sed 's/^\[ *[0-9.]*\] //' > /lab/dmesg
sync

# The last thing that this kernel does.
[ ! -e "$OUT/panic" ] || loaded panic
