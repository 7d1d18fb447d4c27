# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Where things are, what is installed and locked, and how to run a command in the sysroot.

TOP=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../..")
readonly TOP
readonly BUILD="$TOP/build"
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/amd-mce-guard"

# need_tools COMMAND:PACKAGE...: install what is missing as root, name it else
need_tools()
{
	local pair missing=()

	for pair; do
		command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
	done
	[ ${#missing[@]} -eq 0 ] && return

	command -v apt-get > /dev/null ||
		die "missing on this machine: ${missing[*]}; install their packages and try again"
	[ "$(id -u)" -eq 0 ] ||
		die "missing packages; as root: apt-get install ${missing[*]}"

	say "installing ${missing[*]}"
	apt-get update -qq || die "cannot update the package lists: is the network up?"
	DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends "${missing[@]}" > /dev/null ||
		die "cannot install ${missing[*]} (apt-get says why above)"
}

# open_lock DIR NAME: sets NAME to what the lock of DIR is taken by, until the end of this script.
open_lock()
{
	local fd

	mkdir -p "$1" || die "cannot create $1"
	exec {fd}>> "$1/lock" || die "cannot write to $1; has another user made it?"
	printf -v "$2" %d "$fd"
}

# take_lock LOCK DIR [-s]: be the only one at work in DIR, waiting for whoever is; or, with -s, let
# others read along, but nobody change anything.
take_lock()
{
	local how=${3:--x}

	if ! flock "$how" -n "$1"; then
		say "another run is at work in $2, waiting for it to finish"
		flock "$how" "$1" || die "cannot lock $2/lock"
	fi
}

# in_sysroot [--rw] COMMAND...: run it in the sysroot. There the project is /repo and the cache is
# /cache, so that what is built does not depend on where they are here. The sysroot itself can be
# written to only with --rw. IN_SYSROOT has more arguments for bubblewrap, IN_ROOT another root.
# Nothing outlives the command: it has a PID namespace of its own.
IN_SYSROOT=()
in_sysroot()
{
	local root=--ro-bind args=() var

	if [ "$1" = --rw ]; then
		root=--bind
		shift
	fi
	# Who is root reads also what nobody may.
	[ "$(id -u)" -eq 0 ] ||
		args+=(--unshare-user --uid 0 --gid 0 --cap-add CAP_DAC_OVERRIDE)
	[ -z "${KERNEL_TREE:-}" ] || args+=(--ro-bind "$KERNEL_TREE" /tree)
	[ ! -e /etc/resolv.conf ] ||
		args+=(--ro-bind "$(realpath /etc/resolv.conf)" /etc/resolv.conf)
	for var in http_proxy https_proxy no_proxy; do
		[ -z "${!var:-}" ] || args+=(--setenv "$var" "${!var}")
	done

	mkdir -p "$BUILD"
	bwrap --die-with-parent --unshare-pid --unshare-ipc --unshare-uts \
		$root "${IN_ROOT:-$SYSROOT}" / --proc /proc --dev /dev --perms 1777 --tmpfs /tmp \
		--ro-bind "$TOP" /repo --bind "$BUILD" /repo/build --bind "$CACHE" /cache \
		--clearenv --setenv PATH /usr/sbin:/usr/bin --setenv HOME /tmp \
		--setenv LC_ALL C.UTF-8 "${args[@]}" "${IN_SYSROOT[@]}" --chdir /repo -- "$@"
}
