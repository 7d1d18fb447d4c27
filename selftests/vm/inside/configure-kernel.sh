#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# configure-kernel.sh SOURCE OBJECTS: as selftests/config says, or names the option that is not to
# be had.
set -e
src=$1
cd "$2"

make -C "$src" O="$PWD" rustavailable
make -C "$src" O="$PWD" tinyconfig
"$src/scripts/kconfig/merge_config.sh" -m -O "$PWD" .config /repo/selftests/config
make -C "$src" O="$PWD" olddefconfig

# An option that this kernel does not have at all (PROC_SYSCTL became SYSCTL in 7.x) is left out;
# one that it has and does not take is an error.
failed=
while read -r option; do
	symbol=$(grep -o 'CONFIG_[A-Z0-9_]*' <<< "$option")
	if ! grep -qxF "$option" .config &&
		grep -rqx --include='Kconfig*' "\\(menu\\)\\?config ${symbol#CONFIG_}" "$src"; then
		echo "this kernel cannot be configured with $option"
		failed=yes
	fi
done < <(grep -E '^(# )?CONFIG_' /repo/selftests/config)
[ -z "$failed" ]
