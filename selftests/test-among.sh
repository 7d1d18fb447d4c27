#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The hook among all others who use ftrace, as many of them as the kernel has (its absentees are in
# the output), and beside some who exclude each other.

source "$(dirname "$0")/functions.sh"
source ./lib/steps.sh

# A direct caller excludes BPF programs and a livepatch, and is not among them.
readonly ALL=(function function_graph kprobe_event kprobe fprobe fentry fexit livepatch)

# all_arrive(outcome), all_leave(outcome) - of the transcript, those of ALL that this kernel
# has come one by one and, in the same order, go
all_arrive()
{
	local who seen=

	for who in "${OFFERED[@]}"; do
		seen+=", seen by $who"
		printf '%s\n' "% $who arrives" "$1$seen"
	done
}

all_leave()
{
	local who seen

	printf -v seen ', seen by %s' "${OFFERED[@]}"
	for who in "${OFFERED[@]}"; do
		seen=${seen#, seen by "$who"}
		printf '%s\n' "% $who leaves" "$1$seen"
	done
}

after_all()
{
	local seen

	printf -v seen ', seen by %s' "${OFFERED[@]}"
	steps "${OFFERED[@]/#/+}" +guard doctor "${OFFERED[@]/#/-}" -guard
	check_steps "\
$(all_arrive "$PASSED")
% insmod $MODULE
$GUARDING
$GUARDED$seen
$PROTECTED
$(all_leave "$GUARDED")
% rmmod $MODULE"
}

before_all()
{
	local seen

	printf -v seen ', seen by %s' "${OFFERED[@]}"
	steps +guard "${OFFERED[@]/#/+}" doctor -guard +guard "${OFFERED[@]/#/-}" -guard
	check_steps "\
% insmod $MODULE
$GUARDING
$GUARDED
$(all_arrive "$GUARDED")
$PROTECTED
% rmmod $MODULE
$PASSED$seen
% insmod $MODULE
$GUARDING
$GUARDED$seen
$(all_leave "$GUARDED")
% rmmod $MODULE"
}

# excluded(one, other) - two of whom the kernel refuses whoever comes second, beside the guard
excluded()
{
	steps +guard "+$1" "!$2" "-$1" "+$2" "!$1" "-$2" -guard
	check_steps "\
% insmod $MODULE
$GUARDING
$GUARDED
% $1 arrives
$GUARDED, seen by $1
% $2 arrives
> refused
$GUARDED, seen by $1
% $1 leaves
$GUARDED
% $2 arrives
$GUARDED, seen by $2
% $1 arrives
> refused
$GUARDED, seen by $2
% $2 leaves
$GUARDED
% rmmod $MODULE"
}

setup_tests
require_guard
require_banks
find_doctor
offered "${ALL[@]}"
for who in "${ALL[@]}"; do
	[[ " ${OFFERED[*]} " == *" $who "* ]] || ktap_print_msg "without $who"
done
run_test "the guard comes after all users of ftrace that the kernel offers, and goes after them" \
	after_all
run_test "the guard comes before all users of ftrace that the kernel offers, and goes last" \
	before_all
run_test "a direct caller and a livepatch exclude each other, and not the guard" \
	"excluded direct livepatch"
run_test "a direct caller and a BPF program exclude each other, and not the guard" \
	"excluded direct fentry"
ktap_finished
