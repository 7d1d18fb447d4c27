#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs installed kselftests by the kernel's own runner: $TESTS, separated by commas, from
# $OUT/kselftest. The KTAP of each ends up in /lab/NAME.ktap, by way of /lab/NAME.out, which there
# is even if this machine does not survive the test.

# COPY: run a copy, with nothing of the project around and the kernel's modules in place.
if [ "${COPY:-}" = yes ]; then
	cp -r "$OUT/kselftest" /tmp
	mount -t tmpfs none /lib/modules
	cp -r "${OBJ%/tree}"/root/usr/lib/modules/* /lib/modules
	mount -t tmpfs none /repo
	mount -t tmpfs none /cache
	OUT=/tmp
fi

[ -z "${REFERENCE:-}" ] || export AMD_MCE_GUARD_REFERENCE=yes

start_rasdaemon()
{
	mount -t tmpfs none /var/lib
	mkdir /var/lib/rasdaemon /dev/shm
	mount -t tmpfs none /dev/shm
	LD_PRELOAD=$OUT/no_wait.so rasdaemon --foreground --record > /lab/rasdaemon.log 2>&1 &
}

rasdaemon_is_ready()
{
	until grep -q 'Listening to events' /lab/rasdaemon.log || ! pidof rasdaemon > /dev/null; do
		sleep 1
	done
}

[[ ,$TESTS, != *,rasdaemon,* ]] || start_rasdaemon

for name in ${TESTS//,/ }; do
	[ "$name" != rasdaemon ] || rasdaemon_is_ready
	ln -s "/lab/$name.out" "/tmp/test-$name.sh"
	"$OUT/kselftest/run_kselftest.sh" --per-test-log --test "amd_mce_guard:test-$name.sh"
	sed 's/^# //' "/lab/$name.out" > "/lab/$name.ktap"
done

[ ! -e /proc/lockdep_stats ] || /repo/selftests/vm/jobs/checkers.sh > /lab/checkers.ktap 2>&1
