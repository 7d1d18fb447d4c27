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

# Loaded by now or not: an image for this host alone would be without it until it is.
installkernel()
{
	hostonly='' instmods amd_mce_guard
}

# shellcheck disable=SC2154 # dracut's
install()
{
	inst_hook cmdline 01 "$moddir/amd-mce-guard.sh"
}
