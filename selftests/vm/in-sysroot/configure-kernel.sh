#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# configure-kernel.sh SOURCE OBJECTS FRAGMENT...: tinyconfig with the fragments, of which a later
# one wins over an earlier one; or names the option that is not to be had. LLVM comes from the
# environment.
set -e
src=$1
cd "$2"
shift 2

make -C "$src" O="$PWD" tinyconfig
"$src/scripts/kconfig/merge_config.sh" -m -O "$PWD" .config "$@"
! grep -qx CONFIG_RUST=y .config || make -C "$src" O="$PWD" rustavailable
make -C "$src" O="$PWD" olddefconfig

# wanted: the options of all fragments, each as the last one that has it says
wanted()
{
	grep -hE '^(# )?CONFIG_' "$@" |
		awk '{ match($0, /CONFIG_[A-Z0-9_]*/); option[substr($0, RSTART, RLENGTH)] = $0 }
			END { for (o in option) print option[o] }'
}

# An option that this kernel does not have at all (PROC_SYSCTL became SYSCTL in 7.x) is left out;
# one that it has and does not take is an error.
failed=
while read -r option; do
	symbol=$(grep -o 'CONFIG_[A-Z0-9_]*' <<< "$option")
	[[ $option == \#* ]] && ! grep -q "^$symbol=" .config && continue
	if ! grep -qxF "$option" .config &&
		grep -rqx --include='Kconfig*' "\\(menu\\)\\?config ${symbol#CONFIG_}" "$src"; then
		echo "this kernel cannot be configured with $option"
		failed=yes
	fi
done < <(wanted "$@")
[ -z "$failed" ]
