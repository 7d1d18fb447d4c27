#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Verbs for the tests: a livepatch comes into force and goes out of it.

in_transition()
{
	[ "$(cat "/sys/kernel/livepatch/$1/transition" 2> /dev/null)" = 1 ]
}

no_transition()
{
	! in_transition "$1"
}

livepatch_gone()
{
	[ ! -d "/sys/kernel/livepatch/$1" ]
}

# load_livepatch(module) - load a livepatch and wait until it is in force
load_livepatch()
{
	[ -d /sys/kernel/livepatch ] || skip "the kernel has no CONFIG_LIVEPATCH"
	load_mod "$1"
	loop_until no_transition "$1" || die "the livepatch $1 does not come into force"
}

end_livepatch()
{
	echo 0 > "/sys/kernel/livepatch/$1/enabled"
	loop_until livepatch_gone "$1"
}

# unload_livepatch(module) - take a livepatch out of force and unload it
unload_livepatch()
{
	end_livepatch "$1" || die "the livepatch $1 does not go out of force"
	unload_mod "$1"
}
