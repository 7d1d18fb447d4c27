#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# Verbs for the tests: others who use the same function by way of ftrace, each with a verb to come,
# one to go, and one to tell whether it has seen amd_clear_bank() since it was last asked.

readonly OTHER_PROBE=${MODULE}_other/entry

arrive()
{
	OTHER=$TRACING/instances/${MODULE}_$1
	log "% $1 arrives"
	"arrive_$1" "$1"
}

leave()
{
	OTHER=$TRACING/instances/${MODULE}_$1
	log "% $1 leaves"
	"leave_$1"
}

saw()
{
	OTHER=$TRACING/instances/${MODULE}_$1
	"saw_$1"
	log "> $1 saw amd_clear_bank() $SEEN time(s)"
}

# others_leave() - clean up, whoever is there
others_leave()
{
	local who

	for who in function function_graph kprobe_event; do
		OTHER=$TRACING/instances/${MODULE}_$who
		[ ! -d "$OTHER" ] || "leave_$who"
	done
	for who in kprobe livepatch namesake unhooked; do
		unload "test_mce_$who"
	done
}

arrive_tracer()
{
	mkdir "$OTHER" || die "no instance of tracing"
	[[ " $(< "$OTHER/available_tracers") " == *" $1 "* ]] || skip "no tracer $1 for instances"
	echo amd_clear_bank > "$OTHER/set_ftrace_filter" || skip "amd_clear_bank() cannot be traced"
	echo "$1" > "$OTHER/current_tracer"
}

leave_tracer()
{
	echo nop > "$OTHER/current_tracer"
	rmdir "$OTHER"
}

# saw_in_trace(text) - sets SEEN to how many lines of the trace have it, which is then emptied
saw_in_trace()
{
	count_lines "$1" "$OTHER/trace"
	SEEN=$COUNT
	echo > "$OTHER/trace"
}

# saw_in_parameter(module, name) - sets SEEN to its parameter, which is then set to 0
saw_in_parameter()
{
	SEEN=$(< "/sys/module/$1/parameters/$2")
	echo 0 > "/sys/module/$1/parameters/$2"
}

arrive_function()
{
	arrive_tracer function
}

leave_function()
{
	leave_tracer
}

saw_function()
{
	saw_in_trace amd_clear_bank
}

arrive_function_graph()
{
	arrive_tracer function_graph
}

leave_function_graph()
{
	leave_tracer
}

saw_function_graph()
{
	saw_in_trace amd_clear_bank
}

arrive_kprobe_event()
{
	echo "p:$OTHER_PROBE amd_clear_bank" >> "$PROBES" || die "no kprobe event"
	mkdir "$OTHER"
	echo 1 > "$OTHER/events/$OTHER_PROBE/enable"
}

leave_kprobe_event()
{
	echo 0 > "$OTHER/events/$OTHER_PROBE/enable"
	rmdir "$OTHER"
	echo "-:$OTHER_PROBE" >> "$PROBES"
}

saw_kprobe_event()
{
	saw_in_trace 'entry:'
}

arrive_kprobe()
{
	load_mod test_mce_kprobe
}

leave_kprobe()
{
	unload_mod test_mce_kprobe
}

saw_kprobe()
{
	saw_in_parameter test_mce_kprobe hits
}

arrive_livepatch()
{
	load_livepatch test_mce_livepatch
}

leave_livepatch()
{
	unload_livepatch test_mce_livepatch
}

saw_livepatch()
{
	saw_in_parameter test_mce_livepatch calls
}
