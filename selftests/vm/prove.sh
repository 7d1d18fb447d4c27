#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Does the guard make of the vulnerable kernel what the fix makes of it? Guests of one and of two
# CPUs take the same inputs; their accesses to MSRs, their events and signals are compared. Prints
# a table; what the guests did stays in build/prove. SEED= chooses the inputs that are sampled.
# Exit status 0 only if no input differs, and those of the controls do.

# shellcheck disable=SC2317 # stage calls some of the functions
source "$(dirname "$0")/setup.sh"
source "$TOP/selftests/vm/lib/prove.sh"

readonly DIR="$BUILD/prove"
readonly SEED=${SEED:-$(date +%s)}
readonly SAMPLES=1000

# VAL; OVER, UC, EN, MISCV, ADDRV, PCC, DEFERRED and POISON
readonly VAL=0x8000000000000000 MASK=0x7e00180000000000
readonly PARTS="each,$VAL,$MASK;sample,$SAMPLES,$SEED;timer,$VAL,$MASK,1"
readonly PROVE_GUESTS=(fixed-1 guarded-1 unguarded-1 fixed-2 guarded-2 wrong-1)

guests_done()
{
	echo "$(grep -c ' seconds$' "$DIR/job.log") of ${#PROVE_GUESTS[@]} guests done"
}

# try COMMAND...: what it says, if it fails
try()
{
	"$@" > "$DIR/says" || { cat "$DIR/says"; status=1; }
}

setup test fixed
STAGE=0
STAGES=2
stage "a guard that is wrong on purpose" "$LOGS/prove.log" no_count build_proof
# A day: they are as many as somebody has asked for.
VM_TIMEOUT=86400 stage "the inputs" "$BUILD/prove.log" guests_done take_inputs \
	"$PARTS;each,0,$MASK" "$PARTS" "${PROVE_GUESTS[@]}"

use_kernel test
cat << EOT

  linux $(kernel_release), AMD guests on KVM. Each of them took, if it lived so long:

    VAL with each combination of OVER, UC, EN, MISCV, ADDRV, PCC, DEFERRED and POISON, in each
    bank of each CPU, one at a time, as when a CPU comes up;
    $SAMPLES times VAL and any other bits, with any MCi_MISC, in any bank (SEED=$SEED);
    each of those combinations once more, all banks at a time, polled by the kernel's timer;
    where it has one CPU, each of them without VAL, too.

EOT
table 1 2
echo
! grep ' gone without a word ' "$DIR/job.log" || echo

status=0
try equal fixed-1 guarded-1
try equal fixed-2 guarded-2
try panics 1
try wrong_noticed 1
say "all that they did is in $DIR/GUEST/{accesses,events}"
exit $status
