#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs installed kselftests by the runner that is installed with them: $TESTS, separated by commas,
# from $OUT/kselftest. The KTAP of each ends up in /lab/NAME.ktap, by way of /lab/NAME.out, which
# there is even if this machine does not survive the test. With ASK=yes, one is started at last
# where the guard is loaded and nobody has allowed to unload it; and where that is allowed, one that
# ends, and one that is ended.
#
# VM: timeout=3600

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
export AMD_MCE_GUARD_MAY_UNLOAD=yes

# run NAME: that test; prints what it and the runner print. The kernel's runner opens its standard
# output once more, which makes a mess of a file.
run()
{
	"$OUT/kselftest/run_kselftest.sh" --test "amd_mce_guard:test-$1.sh" 2>&1 | cat
}

tell_guard()
{
	echo "the guard is $(cat /sys/module/amd_mce_guard/initstate)"
}

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
	run "$name" > "/lab/$name.out"
	sed -n 's/^# //p' "/lab/$name.out" > "/lab/$name.ktap"
done

[ ! -e /proc/lockdep_stats ] || /repo/selftests/vm/in-host-vm/checkers.sh > /lab/checkers.ktap 2>&1

if [ "${ASK:-}" = yes ]; then
	insmod "$OUT/kselftest/amd_mce_guard/amd_mce_guard.ko"
	unset AMD_MCE_GUARD_MAY_UNLOAD
	run load > /lab/asked.out
	tell_guard >> /lab/asked.out
	export AMD_MCE_GUARD_MAY_UNLOAD=yes
	run unaffected > /lab/ended.out
	tell_guard >> /lab/ended.out
	# The guard is away when the plan is there; timeout ends whom the test has started, too.
	timeout 600 "$OUT/kselftest/amd_mce_guard/test-stress.sh" > /lab/killed.out &
	while kill -0 $! 2> /dev/null && ! grep -q '^1\.\.' /lab/killed.out; do
		sleep 0.2
	done
	kill $!
	wait $!
	echo "exit status $?" >> /lab/killed.out
	tell_guard >> /lab/killed.out
fi
