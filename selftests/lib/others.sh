#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# Verbs for the tests: others who use the same function by way of ftrace, each with a verb to come,
# one to go, and one to tell whether it has seen amd_clear_bank() since it was last asked.

readonly OTHER_PROBE=${MODULE}_other/entry

# What those that are modules need of the kernel
readonly -A NEEDS=(
	[kprobe]=CONFIG_KPROBES
	[livepatch]=CONFIG_LIVEPATCH
	[fprobe]=CONFIG_FPROBE
	[direct]=CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
)

arrive()
{
	lacks "$1"
	[ -z "$LACKS" ] || skip "$LACKS"
	OTHER=$TRACING/instances/${MODULE}_$1
	log "% $1 arrives"
	"arrive_$1" "$1"
}

# arrive_in_vain(who) - they come, and the kernel must refuse them
arrive_in_vain()
{
	local output

	lacks "$1"
	[ -z "$LACKS" ] || skip "$LACKS"
	log "% $1 arrives"
	case $1 in
	fentry | fexit)
		output=$(./mce_bpf "$1" amd_clear_bank 2>&1) ;;
	*)
		output=$(insmod "test_modules/test_mce_$1.ko" 2>&1) ;;
	esac && die "$1 was not refused"
	case ${output##*: } in
	# Which of them has changed with the years.
	"Device or resource busy" | "Invalid argument")
		log "> refused" ;;
	*)
		die "$output" ;;
	esac
}

leave()
{
	OTHER=$TRACING/instances/${MODULE}_$1
	log "% $1 leaves"
	"leave_$1"
}

# saw(who) - sets SEEN to how often they have seen amd_clear_bank() since they were last asked
saw()
{
	OTHER=$TRACING/instances/${MODULE}_$1
	"saw_$1"
}

# others_leave() - clean up, whoever is there
others_leave()
{
	local who

	for who in function function_graph kprobe_event fentry fexit; do
		OTHER=$TRACING/instances/${MODULE}_$who
		[ ! -d "$OTHER" ] || "leave_$who"
	done
	for who in kprobe fprobe direct livepatch namesake unhooked; do
		unload "test_mce_$who"
	done
}

# lacks(who) - sets LACKS to what this kernel or machine lacks for them to come, if anything
lacks()
{
	LACKS=
	case $1 in
	kprobe | livepatch | fprobe | direct)
		[ -f "test_modules/test_mce_$1.ko" ] ||
			LACKS="test_mce_$1.ko is not built: no headers, or no ${NEEDS[$1]}" ;;
	fentry | fexit)
		[ -x ./mce_bpf ] || LACKS="mce_bpf is not built"
		[ -d $TRACING/events/bpf_trace ] || LACKS="the kernel has no CONFIG_BPF_EVENTS"
		[ -r /sys/kernel/btf/vmlinux ] || LACKS="the kernel has no CONFIG_DEBUG_INFO_BTF" ;;
	esac
}

# offered(who...) - sets OFFERED to those of them that this kernel has
offered()
{
	local who

	OFFERED=()
	for who; do
		lacks "$who"
		[ -n "$LACKS" ] || OFFERED+=("$who")
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

arrive_fprobe()
{
	load_mod test_mce_fprobe
}

leave_fprobe()
{
	unload_mod test_mce_fprobe
}

# Whoever was seen to enter must be seen to return.
saw_fprobe()
{
	local returns

	saw_in_parameter test_mce_fprobe returns
	returns=$SEEN
	saw_in_parameter test_mce_fprobe hits
	[ "$SEEN" = "$returns" ] || SEEN="$SEEN, returned $returns"
}

arrive_direct()
{
	load_mod test_mce_direct
}

leave_direct()
{
	unload_mod test_mce_direct
}

saw_direct()
{
	saw_in_parameter test_mce_direct hits
}

# A BPF program stays as long as a process does.
arrive_bpf()
{
	mkdir "$OTHER" || die "no instance of tracing"
	echo 1 > "$OTHER/events/bpf_trace/bpf_trace_printk/enable"
	./mce_bpf "$1" amd_clear_bank || die "no BPF program"
}

# find_bpf(fentry or fexit) - sets BPF to the process that holds it, if there is one
find_bpf()
{
	local file words

	for file in /proc/[0-9]*/cmdline; do
		mapfile -d '' words < "$file"
		BPF=${file//[!0-9]/}
		[ "${words[*]:0:2}" != "./mce_bpf $1" ] || return 0
	done 2> /dev/null
	return 1
}

bpf_is_gone()
{
	! find_bpf "$1"
}

leave_bpf()
{
	find_bpf "$1" && kill "$BPF"
	loop_until bpf_is_gone "$1" || die "mce_bpf $1 does not end"
	echo 0 > "$OTHER/events/enable"
	rmdir "$OTHER"
}

arrive_fentry()
{
	arrive_bpf fentry
}

leave_fentry()
{
	leave_bpf fentry
}

saw_fentry()
{
	saw_in_trace 'bpf_trace_printk: fentry'
}

arrive_fexit()
{
	arrive_bpf fexit
}

leave_fexit()
{
	leave_bpf fexit
}

saw_fexit()
{
	saw_in_trace 'bpf_trace_printk: fexit'
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
