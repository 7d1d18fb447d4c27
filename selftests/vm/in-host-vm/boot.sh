#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# After a boot with an initramfs that has the guard, before a root file system does anything: is it
# as $EXPECTED (guarding, or nothing to guard), and what does loading it by modules-load.d say?
# The package is installed below $INSTALLED. Exit status 0 if all is as it should be.
#
# Nothing happens at the same time, and one CPU does not wait for another that its host has taken
# away.
# VM: cpus=1

root=$INSTALLED
for dir in proc sys dev; do
	mount --bind /$dir "$root/$dir"
done
state=$(cat /sys/module/amd_mce_guard/initstate 2> /dev/null)
dmesg | grep 'amd_mce_guard: '
"$root/usr/bin/amd-mce-guard-doctor"
doctor=$?
chroot "$root" /usr/lib/systemd/systemd-modules-load amd-mce-guard.conf
modules_load=$?
echo "module '$state', doctor $doctor, modules-load $modules_load"

[ $modules_load -eq 0 ] && [ $doctor -eq 0 ] || exit 1
case $EXPECTED in
guarding)
	[ "$state" = live ] && dmesg | grep -q 'amd_mce_guard: guarding' ;;
*)
	[ -z "$state" ] && dmesg | grep -q 'amd_mce_guard: .*nothing to guard' ;;
esac
