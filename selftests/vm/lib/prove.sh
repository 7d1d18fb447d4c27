# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The proof: guests that take the same inputs, and a comparison of what came of them. It is in DIR,
# in a directory for each guest.

source "$TOP/selftests/vm/lib/prove-guests.sh"
source "$TOP/selftests/vm/lib/verdict.sh"

# The guard of the negative control clears one bit too many: bit 0 of the number of the bank.
readonly WRONG='s/self.0.status = status.0;/&\n        self.0.bank \&= !1;/'

# build_proof: what these guests have beside their initramfs
build_proof()
{
	local dir

	use_kernel test
	dir=$TOP${KERNEL_OUT#/repo}/prove
	rm -rf "$dir"
	mkdir -p "$dir/wrong" &&
		cp -r "$TOP"/{Makefile,Kbuild,dkms.conf,rust} "$dir/wrong" &&
		sed -i "$WRONG" "$dir/wrong/rust/mca.rs" &&
		! diff -q "$TOP/rust/mca.rs" "$dir/wrong/rust/mca.rs" &&
		in_sysroot make -C "$KERNEL_OUT/prove/wrong" KDIR="$KERNEL_OBJ" &&
		in_sysroot /repo/selftests/vm/in-sysroot/build-proof.sh "$KERNEL_OUT/prove"
}

# take_inputs PARTS PARTS GUEST...: what guests of one CPU take, and of two, see in-guest/prove.c
take_inputs()
{
	local guest guests

	use_kernel test
	guests=$(IFS=,; echo "${*:3}")
	run_vm "$DIR" prove "$AMD_CPU" "GUESTS=$guests" "PARTS_1=$1" "PARTS_2=$2" || return
	! grep 'too small' "$DIR/job.log" || return
	for guest in "${@:3}"; do
		awk -v accesses="$DIR/$guest/accesses" -v events="$DIR/$guest/events" \
			-f "$TOP/selftests/vm/lib/prove.awk" "$DIR/$guest/output" \
			"$DIR/$guest/trace" || return
	done
}

# took_all GUEST: it came to the end of the inputs
took_all()
{
	grep -q '^end ' "$DIR/$1/output" || {
		echo "$1: has not taken all inputs, see $DIR/$1/console.log"
		tail -n 3 "$DIR/$1/events"
		return 1
	}
}

# differing GUEST GUEST: the numbers of the inputs of which accesses, events or both differ
differing()
{
	local what

	for what in accesses events; do
		diff "$DIR/$1/$what" "$DIR/$2/$what" | sed -n 's/^[<>] \([0-9]*\) .*/\1/p'
	done | sort -nu
}

# show_difference GUEST GUEST INPUT: what each of them did with it
show_difference()
{
	local what

	grep -h "^$3 puts" "$DIR/$1/events" "$DIR/$2/events" | sort -u | sed 's/^/input /'
	for what in accesses events; do
		diff -U 3 --label "$1" --label "$2" <(sed -n "s/^$3 //p" "$DIR/$1/$what") \
			<(sed -n "s/^$3 //p" "$DIR/$2/$what")
	done
}

# equal GUEST GUEST: both have taken all inputs, there is something to compare, and nothing differs
equal()
{
	local inputs guest

	for guest; do
		took_all "$guest" || return
		expect "$DIR/$guest/accesses" ' writes 4.* = 0$' | grep . && return 1
		expect "$DIR/$guest/events" ' record ' | grep . && return 1
		expect "$DIR/$guest/events" ' signal ' | grep . && return 1
	done
	mapfile -t inputs < <(differing "$@")
	[ ${#inputs[@]} -gt 0 ] || return 0
	echo "$1 and $2: ${#inputs[@]} inputs differ, the first of them is"
	show_difference "$@" "${inputs[0]}"
	return 1
}

# lines GUEST FILE PATTERN: how many match
lines()
{
	grep -cE "$3" "$DIR/$1/$2"
}

# row GUEST GUEST: of the table; figures are those of the first guest
row()
{
	local taken=all

	grep -q '^end ' "$DIR/$2/output" ||
		taken=$(tail -n 1 "$DIR/$2/accesses" | cut -d ' ' -f 1)
	guest "$1"
	printf '%-8s %-13s %4d %7d %9d %7d %8d %6s %7d\n' "$1" "$2" "$CPUS" \
		"$(lines "$1" events '^[0-9]+ puts')" "$(lines "$1" accesses .)" \
		"$(lines "$1" events '^[0-9]+ record')" "$(lines "$1" events '^[0-9]+ signal')" \
		"$taken" "$(differing "$1" "$2" | wc -l)"
}

# table CPUS...: what has been compared
table()
{
	local cpus

	printf '%-8s %-13s %4s %7s %9s %7s %8s %6s %7s\n' guest "compared with" CPUs inputs \
		accesses events signals taken differ
	for cpus; do
		row "fixed-$cpus" "guarded-$cpus"
	done
	row "fixed-$1" "wrong-$1"
	row "fixed-$1" "unguarded-$1"
}

# caught GUEST GUEST: the first input that differs is one with DEFERRED
caught()
{
	local first

	first=$(differing "$@" | head -n 1)
	[ -n "$first" ] || { echo "no difference between $1 and $2"; return 1; }
	show_difference "$@" "$first"
	grep -qE "^$first puts CPU [0-9]+ bank [0-9]+ status 0x....[13579bdf]" "$DIR/$1/events"
}

# wrong_noticed CPUS: the one with another bank's MCi_STATUS is
wrong_noticed()
{
	took_all "wrong-$1" && caught "fixed-$1" "wrong-$1"
}

# panics CPUS: the one without a guard does, as in the mail thread, at the first input with which
# it does anything but what the one with the fix does
panics()
{
	local log=$DIR/unguarded-$1/console.log input bank destat pattern missing

	caught "fixed-$1" "unguarded-$1" || return
	input=$(differing "fixed-$1" "unguarded-$1" | head -n 1)
	bank=$(sed -n "s/^$input puts .* bank \([0-9]*\) .*/\1/p" "$DIR/fixed-$1/events")
	destat=$(destat_msr "$bank")
	missing=$(
		[[ $(tail -n 1 "$DIR/unguarded-$1/accesses") =~ \
			^$input\ CPU\ [0-9]+\ writes\ $destat\ =\ 0\ \(#GP\)$ ]] ||
			echo "the last access is no fault at $destat of input $input"
		expect "$log" "mce: MSR access error: WRMSR to 0x$destat $NOTHING"
		for pattern in 'at rIP: 0x[0-9a-f]* \(mce_wrmsr[lq]\+0x' ' amd_clear_bank\+0x' \
			' machine_check_poll\+0x' \
			'Kernel panic - not syncing: MCA architectural violation!'; do
			expect "$log" "$pattern"
		done
	)
	[ -z "$missing" ] || { printf '%s\n' "$missing"; return 1; }
}
