#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Is this machine affected by what amd_mce_guard is for, and is it protected? Looks, and changes
# nothing. As root it sees more.

usage()
{
	cat << END
Usage: ${0##*/} [--json] [--image FILE] [--root DIR]

  --json        the answer as one JSON object
  --image FILE  the kernel that runs here (default: what /boot or /usr/lib/modules has)
  --root DIR    look at the proc, sys, boot and usr below DIR

Exit status: 0 protected or not affected, 1 affected, 2 cannot tell.
END
}

root='' json='' image='' separator=''
while [ $# -gt 0 ]; do
	case $1 in
	--json) json=yes ;;
	--image | --root)
		[ $# -gt 1 ] || { usage >&2; exit 2; }
		if [ "$1" = --root ]; then root=$2; else image=$2; fi
		shift ;;
	--help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

# What belongs to this is beside it, or where packages put it.
lib=$(dirname "$0")
[ -e "$lib/clear-bank.pl" ] || lib=/usr/lib/amd-mce-guard
sys=$root/sys module=$root/sys/module/amd_mce_guard

# cpu FIELD: what /proc/cpuinfo says of the first CPU
cpu()
{
	sed -n "s/^$1[[:space:]]*: //p" "$root/proc/cpuinfo" 2> /dev/null | head -n 1
}

# flag NAME: whether that CPU has it
flag()
{
	case " $(cpu flags) " in *" $1 "*) echo yes ;; *) echo no ;; esac
}

# of_image FILE: what clear-bank.pl makes of that kernel
of_image()
{
	unpacked=$(mktemp) || return
	if why=$("$lib/unpack-image.sh" "$1" 2>&1 > "$unpacked") && [ -z "$why" ]; then
		"$lib/clear-bank.pl" "$unpacked"
	else
		echo "unknown $why"
	fi
	rm -f "$unpacked"
}

# of_running: the same of the one that runs
of_running()
{
	"$lib/clear-bank.pl" "$root/proc/kallsyms" "$root/proc/kcore" 2> /dev/null ||
		echo "unknown /proc/kcore cannot be read"
}

# look: does amd_clear_bank() have the check? The running kernel knows best, its image next.
look()
{
	found=unknown
	for file in "$sys"/kernel/livepatch/*/vmlinux/amd_clear_bank,*; do
		[ ! -e "$file" ] || { echo "unknown it is livepatched" && return; }
	done
	command -v perl > /dev/null || { echo "unknown perl is not installed" && return; }

	[ -n "$image" ] || [ ! -r "$root/proc/kcore" ] || found=$(of_running)
	set -- "$image"
	[ -n "$image" ] ||
		set -- "$root/boot/vmlinuz-$kernel" "$root/usr/lib/modules/$kernel/vmlinuz"
	for file; do
		case $found in unknown*) [ ! -e "$file" ] || found=$(of_image "$file") ;; esac
	done
	[ "$found" != unknown ] || found="unknown no image of it is found, name it with --image"
	echo "$found"
}

# polling: whether banks are polled, where deferred errors are found
polling()
{
	interval=$(cat "$sys/devices/system/machinecheck/machinecheck0/check_interval" 2> /dev/null)
	ignored=$(cat "$sys/devices/system/machinecheck/machinecheck0/ignore_ce" 2> /dev/null)
	case $interval/$ignored in
	/*) echo unknown ;;
	0/* | */1) echo off ;;
	*) echo on ;;
	esac
}

# hooked: whether the guard is at the entry of amd_clear_bank(), which root can see; who is not root
# sees that the module is loaded, which it is only with its hook
hooked()
{
	functions=$sys/kernel/tracing/enabled_functions
	if [ "$(cat "$module/initstate" 2> /dev/null)" != live ] ||
		{ [ -r "$functions" ] && ! grep -q '^amd_clear_bank ' "$functions"; }; then
		echo no
	else
		echo yes
	fi
}

# counter NAME: as the guard counts, for root to read
counter()
{
	cat "$sys/kernel/debug/amd_mce_guard/$1" 2> /dev/null || echo unknown
}

# verdict: sets status and reason, and check if it has to be known
verdict()
{
	check='not looked at' status='not affected'
	if [ -z "$vendor" ]; then
		status='cannot tell' reason="$root/proc/cpuinfo does not name a CPU's vendor"
	elif [ "$vendor" != AuthenticAMD ]; then
		reason="this CPU is not AMD's"
	elif [ "$smca" = yes ]; then
		reason="this CPU has SMCA"
	elif [ "$hooked" = yes ]; then
		status=protected reason="amd_mce_guard is at work"
	else
		check=$(look)
		case $check in
		checks) reason="this kernel asks for SMCA before it writes MCA_DESTAT" ;;
		absent) reason="this kernel has no amd_clear_bank()" ;;
		vulnerable)
			status=affected
			reason="this kernel writes MCA_DESTAT without SMCA: load amd_mce_guard" ;;
		*)
			status='cannot tell'
			reason="does amd_clear_bank() ask for SMCA? ${check#* }"
			check=unknown ;;
		esac
	fi
}

# show NAME VALUE...: in words, or as members of a JSON object
show()
{
	while [ $# -gt 0 ]; do
		case $2 in
		yes) value=true ;;
		no) value=false ;;
		unknown) value=null ;;
		*[!0-9]* | '') value=\"$(printf '%s' "$2" | tr -d '\001-\037\042\134')\" ;;
		*) value=$2 ;;
		esac
		[ -n "$json" ] || printf '%-11s %s\n' "$1:" "$2"
		[ -z "$json" ] || printf '%s"%s": %s' "$separator" "$1" "$value"
		separator=', '
		shift 2
	done
}

vendor=$(cpu vendor_id) smca=$(flag smca)
kernel=$(cat "$root/proc/sys/kernel/osrelease" 2> /dev/null)
hooked=$(hooked)
verdict
[ -z "$json" ] || printf '{'
show status "$status" reason "$reason" vendor "$vendor" smca "$smca" \
	hypervisor "$(flag hypervisor)" kernel "$kernel" check "$check" polling "$(polling)" \
	loaded "$([ -d "$module" ] && echo yes || echo no)" hooked "$hooked" \
	cleared "$(counter banks_cleared)" guarded "$(counter deferred_guarded)"
[ -z "$json" ] || echo '}'

case $status in
affected) exit 1 ;;
'cannot tell') exit 2 ;;
esac
