#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The hook beside somebody else who uses ftrace: nobody takes it away, and it takes nothing away
# from them.

source "$(dirname "$0")/functions.sh"
source ./lib/steps.sh

# beside(who) - the guard and one other, in every order of arrival and leaving
beside()
{
	steps +guard "+$1" doctor "-$1" -guard \
		+guard "+$1" -guard "-$1" \
		"+$1" +guard doctor "-$1" -guard \
		"+$1" +guard -guard "-$1"
	check_steps "\
% insmod $MODULE
$GUARDING
$GUARDED
% $1 arrives
$GUARDED, seen by $1
$PROTECTED
% $1 leaves
$GUARDED
% rmmod $MODULE
% insmod $MODULE
$GUARDING
$GUARDED
% $1 arrives
$GUARDED, seen by $1
% rmmod $MODULE
$PASSED, seen by $1
% $1 leaves
% $1 arrives
$PASSED, seen by $1
% insmod $MODULE
$GUARDING
$GUARDED, seen by $1
$PROTECTED
% $1 leaves
$GUARDED
% rmmod $MODULE
% $1 arrives
$PASSED, seen by $1
% insmod $MODULE
$GUARDING
$GUARDED, seen by $1
% rmmod $MODULE
$PASSED, seen by $1
% $1 leaves"
}

# It is called as it goes.
namesake()
{
	load_mod test_mce_namesake
	load_guard
	unload_mod test_mce_namesake
	show_counter
	check_result "\
% insmod test_mce_namesake
% insmod $MODULE
$GUARDING
% rmmod test_mce_namesake
test_mce_namesake: bank 9 status $DEFERRED
> counter: deferred_guarded 0"
}

setup_tests
require_guard
require_banks
find_doctor
run_test "the guard and the function tracer come and go in every order" "beside function"
run_test "the guard and the function_graph tracer come and go in every order" \
	"beside function_graph"
run_test "the guard and a kprobe come and go in every order" "beside kprobe"
run_test "the guard and a kprobe event come and go in every order" "beside kprobe_event"
run_test "the guard and an fprobe come and go in every order" "beside fprobe"
run_test "the guard and a direct caller of ftrace come and go in every order" "beside direct"
run_test "the guard and a BPF program at the entry (fentry) come and go in every order" \
	"beside fentry"
run_test "the guard and a BPF program at the return (fexit) come and go in every order" \
	"beside fexit"
run_test "the guard and a livepatch of the function come and go in every order" "beside livepatch"
run_test "the guard leaves a module's function of the same name alone" namesake
ktap_finished
