#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# image-exports.sh VMLINUX: what that kernel exports, in the form of Module.symvers, to standard
# output. VMLINUX is what doctor/unpack-image.sh makes of an image.
set -e -o pipefail

vmlinux=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# section NAME: its address, if there is one; its contents go to a file of that name
section()
{
	local address

	address=$(readelf -SW "$vmlinux" | sed -nE "s/.* $1 +PROGBITS +([0-9a-f]*) .*/\\1/p")
	: > "$work/$1"
	[ -z "$address" ] || objcopy -O binary --only-section="$1" "$vmlinux" "$work/$1"
	echo "$address"
}

# An entry of a table is three numbers (struct kernel_symbol): how far away from itself each of the
# value, the name and the name space is. Up to 6.19 there are two tables, of which one is for
# GPL-compatible modules only; then there is one, and a table of flags, of which the lowest says so.
strings=$(section __ksymtab_strings)
section __kflagstab > /dev/null
for table in __ksymtab __ksymtab_gpl; do
	address=$(section "$table")
	[ -z "$address" ] || perl -e '
		use integer;
		my ($work, $table, $at, $where) = @ARGV;
		sub contents {
			open my $file, "<:raw", "$work/$_[0]" or die;
			local $/;
			return <$file>;
		}
		my ($entries, $names) = (contents($table), contents("__ksymtab_strings"));
		my $flags = contents("__kflagstab") // "";
		sub name { return unpack "Z*", substr $names, $_[0] }
		for (my $i = 0; $i < length($entries) / 12; $i++) {
			my ($value, $name, $space) = unpack "l<3", substr $entries, 12 * $i, 12;
			my $from = hex($at) + 12 * $i - hex($where);
			my $gpl = $table eq "__ksymtab_gpl" || vec($flags, $i, 8) & 1;
			printf "0x00000000\t%s\tvmlinux\tEXPORT_SYMBOL%s\t%s\n",
				name($from + 4 + $name), $gpl ? "_GPL" : "",
				name($from + 8 + $space);
		}' "$work" "$table" "$address" "$strings"
done > "$work/symvers"

[ -s "$work/symvers" ] || {
	echo "amd_mce_guard: the kernel exports nothing: it loads no modules" >&2
	exit 1
}
cat "$work/symvers"
