#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guard goes into the initramfs: an error may be pending before the root file system is there.

# Always: loading decides.
check()
{
	return 0
}

depends()
{
	return 0
}

installkernel()
{
	instmods amd_mce_guard
}

# shellcheck disable=SC2154 # dracut's
install()
{
	inst_hook cmdline 01 "$moddir/amd-mce-guard.sh"
}
