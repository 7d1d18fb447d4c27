# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# The guests of the proof, by name: fixed-2 is the one with the fix and two CPUs.

# guest NAME: sets KERNEL, see kernels.sh; GUARD, the module that it loads; CPUS; and LOG, up to
# which level its kernel's messages are on its console.
guest()
{
	KERNEL=test GUARD=no CPUS=${1##*-} LOG=0
	case ${1%-*} in
	fixed)
		KERNEL=fixed ;;
	guarded)
		GUARD=amd_mce_guard ;;
	# The controls: no guard, and one that is wrong on purpose.
	unguarded)
		LOG=8 ;;
	wrong)
		GUARD=wrong ;;
	esac
}
