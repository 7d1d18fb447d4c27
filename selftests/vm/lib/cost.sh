# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a poll costs, in instructions: in VMs whose time is their instructions.

# measure DIR KERNEL BESIDE,...: in a VM of that kernel, beside each of these modules; more than
# once if named more than once. Writes DIR/figures, with lines of "KERNEL BESIDE WHAT INSTRUCTIONS",
# the least that was seen; of bytes the most.
measure()
{
	local dir=$1

	use_kernel "$2"
	in_sysroot rsync -a /repo/selftests/vm/in-host-vm/bench-modules "$KERNEL_OUT/" &&
		in_sysroot make -s -C "$KERNEL_OBJ" M="$KERNEL_OUT/bench-modules" modules &&
		run_vm "$dir" bench "$AMD_CPU" "BESIDE=$3" || return
	awk -v kernel="$2" '
		$1 == "beside" { beside = $2 }
		$2 !~ /^[0-9]+$/ { next }
		!((beside, $1) in seen) || ($1 == "bytes" ? $2 > seen[beside, $1] : \
			$2 < seen[beside, $1]) { seen[beside, $1] = $2 }
		END {
			for (key in seen) {
				split(key, part, SUBSEP)
				print kernel, part[1], part[2], seen[key]
			}
		}' "$dir/job.log" | sort > "$dir/figures"
	[ -s "$dir/figures" ]
}

# figure DIR KERNEL BESIDE WHAT: of what has been measured there
figure()
{
	awk -v key="$2 $3 $4" '$1 " " $2 " " $3 == key { print $4 }' "$1/figures"
}
