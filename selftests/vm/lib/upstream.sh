# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# The series for upstream, for two kernels: the oldest that it is made for, which is the one under
# test, and the newest that Debian serves.

# Who signs the series off here: nobody that a machine's own configuration names.
readonly SOMEBODY='Some Body <somebody@example.org>'

# Remarks of checkpatch that have an answer:
# - UNKNOWN_COMMIT_ID: it looks the hash up in a history that a tarball has not;
# - FILE_PATH_CHANGES: it does not see that the patch, or one before it, changes MAINTAINERS;
# - INCLUDE_LINUX: linux/cpufeature.h and linux/processor.h have less than their x86 namesakes.
readonly ANSWERED=UNKNOWN_COMMIT_ID,FILE_PATH_CHANGES,INCLUDE_LINUX

as_somebody()
{
	env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_COUNT=2 \
		GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0="${SOMEBODY% <*}" \
		GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=somebody@example.org "$@"
}

# use_series oldest|newest: the kernel that it is for
use_series()
{
	case $1 in
	oldest) use_kernel test ;;
	newest) use_kernel newest ;;
	esac
}

# source_of NAME, in_sysroot_source NAME: its source, here and as the sysroot sees it
source_of()
{
	(use_series "$1" && kernel_src_dir)
}

in_sysroot_source()
{
	(use_series "$1" && echo "$KERNEL_SRC")
}

# in_source NAME COMMAND...: in the sysroot, in that source
in_source()
{
	in_sysroot env -C "$(in_sysroot_source "$1")" "${@:2}"
}

release_of()
{
	sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) = //p' "$(source_of "$1")/Makefile" |
		paste -sd .
}

# tree_of NAME DIR: a git tree of what the series changes in that kernel, tagged base
tree_of()
{
	local file source

	source=$(source_of "$1")
	rm -rf "$2"
	as_somebody git init -q "$2"
	sed -n '/^readonly CHANGED=/,/^)/s/^\t//p' "$TOP/rust/upstream/series.sh" |
		while read -r file; do
			[ -f "$source/$file" ] || continue
			mkdir -p "$(dirname "$2/$file")"
			cp "$source/$file" "$2/$file"
		done
	as_somebody git -C "$2" add -A && as_somebody git -C "$2" commit -q -m base &&
		git -C "$2" tag base
}
