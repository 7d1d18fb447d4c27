# SPDX-License-Identifier: GPL-2.0
#
# Makes of a test or a script of verbs one that knows no guard: without the functions and the lines
# that are about it. What such a line ends, a string or a list of arguments, the one before it ends.

BEGIN {
	split("require_guard hooks guarded require_word affected first_guarded about_guard seen one_is_told " \
		"without_guard load_again", names)
	for (i in names)
		dropped[names[i] "()"] = 1
	about = "guard|GUARD|REFERENCE|WAS_LOADED|FTRACE_|others_leave|require_word|_SEEN|^% insmod|\\$\\(first_guarded |" \
		"> counter|load_guard|show_counter|one_is_told|unload \\$|no module \\$|deferred=1|" \
		"[|] status=[$]DEFERRED$|which one is told|" \
		"lib/(modules|livepatch|others)[.]sh|If ftrace is off|/sys/kernel/debug"
}

# Words of this project's tests that kernel's have no use for
{
	gsub(/MODULE/, "NAME")
	sub(/NAME=amd_mce_guard/, "NAME=x86_mce")
	sub(/[$]NAME test /, "$NAME: test ")
	sub(/\|\^[$]NAME: \|\^test_mce_/, "")
	gsub(/"[$]DEFERRED_SEEN"/, "$DEFERRED")
	gsub(/[$]DEFERRED_SEEN/, "$DEFERRED")
	gsub(/[$]AO_SEEN/, "$AO")
	while (match($0, /[$][(]seen [^)]*[)]/))
		$0 = substr($0, 1, RSTART - 1) substr($0, RSTART + 7, RLENGTH - 8) \
			substr($0, RSTART + RLENGTH)
	sub(/ deferred=0$/, "")
	sub(/ && ! harmless && ! guarded;/, " \\&\\& ! harmless;")
	sub(/no guard and perhaps no fix/, "perhaps no fix")
	sub(/amd_clear_bank[(][)] is not told that they are$/, "the error is logged with")
	sub(/^# deferred, the bank is cleared, and everybody else sees the record as it was[.]$/,
		"# all its bits, and the bank is cleared.")
	sub(/not deferred: the guard neither counts nor changes them[.]/,
		"not deferred, which take the same path.")
	sub(/ is guarded, logged and cleared"/, " is logged and cleared\"")
	sub(/ is guarded and counted, the first is logged"/, " is logged and cleared\"")
	sub(/ POISON is guarded"/, " POISON is logged and cleared\"")
	sub(/are all guarded"/, "are all logged and cleared\"")
	sub(/is guarded" pending_error/, "is logged and cleared\" pending_error")
	sub(/comes online after loading is guarded"/, "comes online again is polled as before\"")
	sub(/ - a CPU that the guard is for/, "")
	sub(/what has nothing to guard/, "")
	sub(/skip all tests where there is nothing to guard/, "skip all tests on other CPUs")
	sub(/: nothing to guard"/, "\"")
	sub(/ no harm without the guard, either: QEMU's/, " no harm: QEMU's")
	sub(/: the guard may be about to go$/, "")
	sub(/, neither of them the$/, ":")
	sub(/^# guard's own: the event/, "# the event")
	sub(/, just behind the hook, which/, ", which")
	sub(/, from what ftrace uses/, "")
}

# Comments wait for what they are about.
/^#/ && NR > 1 {
	if (!skipping)
		comment = comment (comment ? "\n" : "") $0
	next
}

/^[a-z_]+\(\)$/ && ($0 in dropped) {
	skipping = 1
	comment = ""
}

skipping {
	if ($0 == "}") {
		skipping = 0
		blank = 1
	}
	next
}

/if \[ -n "[$]REFERENCE" \]; then/ { inside = 1 }

inside {
	if ($1 == "fi")
		inside = 0
	next
}

# What the guard says is in no transcript, so there is nothing to leave out of one.
{ sub(/" "\^[$]NAME: bank "$/, "\"") }

# What a test is called has to be said above in other words, or it would be lost.
$0 ~ about && /^run_test / && !/ without_guard$/ {
	print FILENAME ": a test is lost: " $0 > "/dev/stderr"
	failed = 1
}

$0 ~ about || /^\t*"\^[$]NAME: bank "$/ {
	if ($0 ~ /[^"]"$/ && $0 !~ /^[\t ]*(local|\[|readonly|run_test)/ && kept ~ /^[%>$)]|\)$|\\$/)
		kept = kept "\""
	if ($0 ~ /^[%]?[$]expected/)
		kept = kept "\n${expected%?}\""
	comment = ""
	next
}

{
	if (comment)
		print_line(comment)
	comment = ""
	print_line($0)
}

function print_line(line)
{
	# One blank line between what is left.
	if (line == "" && kept == "")
		return
	if (held)
		print kept
	kept = line
	held = 1
}

END {
	if (held)
		print kept
	exit failed
}
