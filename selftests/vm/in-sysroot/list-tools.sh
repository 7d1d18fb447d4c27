#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# list-tools.sh: the programs that kselftests and their runner start again and again, and what those
# are linked with.
tools=(awk basename bash cat cut date diff dirname dmesg env grep head id insmod ln mkdir mktemp
	modinfo modprobe perl readlink realpath rm rmdir rmmod sed sh sleep sort stat stdbuf tail
	taskset tee timeout tr uname wc)

mapfile -t paths < <(command -v "${tools[@]}")
printf '%s\n' "${paths[@]}" /etc/ld.so.cache
ldd "${paths[@]}" | grep -o '/lib[^ ]*' | sort -u | sed 's|^|/usr|'
