#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The page of the demo: of a run of both guests, and of traces that are made up; and what a browser
# makes of it.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/page.sh"

readonly WORK="$BUILD/check/page"
readonly RUN="$WORK/run" MADE="$WORK/made"
readonly GUESTS=(thread-unguarded thread-guarded)
readonly VERDICT="as expected: panic without the guard"
readonly LIGHT=1 DARK=0 # Blink's preferredColorScheme

# Only a browser that hangs meets this.
readonly BROWSER_SECONDS=300

# browser OPTION... FILE: what it shows; FILE is below build
browser()
{
	in_sysroot timeout -k 10 $BROWSER_SECONDS chromium-headless-shell --no-sandbox \
		--disable-gpu --hide-scrollbars "${@:1:$#-1}" "file:///repo/build${!##"$BUILD"}"
}

# What a browser tells of itself: how wide the page is in its window, how many labels of the
# picture reach out of their lane, and whether light is on dark.
readonly MEASURE='<script>
for (const details of document.querySelectorAll("details"))
	details.open = true;
const root = document.documentElement;
const texts = [...document.querySelectorAll("svg text")];
const wide = texts.filter(text => {
	const box = text.getBBox();
	return box.x + box.width > (box.x < 180 ? 184 : 360);
});
const light = colour => colour.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0);
const style = getComputedStyle(document.body);
document.title = ["window", innerWidth, "page", root.scrollWidth, "labels", texts.length,
	"wide", wide.length,
	light(style.backgroundColor) < light(style.color) ? "dark" : "light",
	...wide.map(text => text.textContent)].join(" ");
</script>'

# measure DIR WIDTH SCHEME: for that, the copy that is measured may have a script.
measure()
{
	local copy="$1/measured.html"

	sed '/Content-Security-Policy/d; /<\/body>/d' "$1/index.html" > "$copy" || return
	echo "$MEASURE" >> "$copy"
	browser "--window-size=$2,900" "--blink-settings=preferredColorScheme=$3" --dump-dom \
		"$copy" 2> /dev/null | sed -n 's|.*<title>\(window .*\)</title>.*|\1|p' | head -n 1
}

# is_measured DIR WIDTH SCHEME PATTERN
is_measured()
{
	local measured

	measured=$(measure "$1" "$2" "$3")
	echo "$1, $2 wide: ${measured:-nothing measured}"
	grep -qE "^window $2 page $4" <<< "$measured"
}

# fits DIR WIDTH SCHEME WORD
fits()
{
	is_measured "$1" "$2" "$3" "$2 labels [1-9][0-9]+ wide 0 $4$"
}

# lines TIME EVENT TEXT...: of a trace
lines()
{
	printf '    CPU 0/KVM-63      [000] ..... %12s: %s: %s\n' "$@"
}

# What is in the trace of a guest that panics
panics()
{
	lines 9.5 tracing_mark_write "before: not a time" \
		10.100000 tracing_mark_write "injected pfn 0xa51c gpa 0x1dce000" \
		10.100400 signal_generate "sig=7 errno=0 code=5 comm=qemu pid=60 grp=0 res=0" \
		10.102900 kvm_bank_set "(f+0x0/0x1) by_host=1 msr=0x427 value=0x8c" \
		10.103000 kvm_bank_set "(f+0x0/0x1) by_host=1 msr=0x425 value=0x9c00180000000000" \
		11.000000 kvm_msr "msr_read 425 = 0x9c00180000000000" \
		11.000900 kvm_msr "msr_write c0002098 = 0x0 (#GP)" \
		11.500000 tracing_mark_write "[ 5.8] Kernel panic - not syncing: ${1:-MCA}"
}

# made [COMMAND...]: the page of two guests whose traces COMMAND prints
made()
{
	local guest

	rm -rf "$MADE"
	for guest in "${GUESTS[@]}"; do
		mkdir -p "$MADE/$guest"
		"${@:-panics}" > "$MADE/$guest/events.trace"
		printf 'gpa 0x1dce000\npfn 0xa51c\n' > "$MADE/$guest/injected"
	done
	printf '\twithout\twith\nthe guest\tpanic\tpanic\n' > "$MADE/table"
	echo "$VERDICT" > "$MADE/verdict"
	page 6.19.8 "$MADE" "${GUESTS[@]}"
}

# has FILE TEXT...: literally, each
has()
{
	local text

	for text in "${@:2}"; do
		grep -qF -- "$text" "$1" || { echo "the page lacks: $text"; return 1; }
	done
}

gaps()
{
	grep -o 'Guest .* is not in its trace' "$1/index.html"
}

# A guest without the guard and one with it, as in the demo.
ran()
{
	run_vm "$RUN" procedure "$AMD_CPU" "GUESTS=$(IFS=,; echo "${GUESTS[*]}")" || {
		tail -n 5 "$RUN/job.log"
		last_words "$RUN"
		return 1
	}
	printf '\twithout the guard\twith the guard\n' > "$RUN/table"
	echo "$VERDICT" > "$RUN/verdict"
	page "$(kernel_release)" "$RUN" "${GUESTS[@]}"
}

shows_all()
{
	! gaps "$RUN" &&
		has "$RUN/index.html" 'error injected' 'QEMU has SIGBUS' 'QEMU sets bank 9' \
			'a poll reads bank 9' 'STATUS 0x9c00180000000000' \
			'WRMSR faults: #GP' '0xc0002098 MC9_DESTAT' 'the guest panics' \
			'bank 9 is cleared' 'its kernel sends SIGBUS' 'its process has SIGBUS'
}

# In time as in life
in_order()
{
	local order first='error injected,QEMU has SIGBUS,QEMU sets bank'
	local last='#GP|the guest panics|its process has SIGBUS'

	order=$(grep '^<li ' "$RUN/index.html" | grep -oE "${first//,/|}|$last" | paste -sd ,)
	echo "$order"
	[ "$order" = "$first,#GP,the guest panics,$first,its process has SIGBUS" ]
}

in_dom()
{
	made && browser --dump-dom "$MADE/index.html" 2> /dev/null > "$MADE/dom" &&
		has "$MADE/dom" "<p id=\"verdict\" class=\"good\">$VERDICT</p>"
}

# The words of a panic may be longer than a lane is wide.
fits_everywhere()
{
	local dir

	made hostile || return
	for dir in "$RUN" "$MADE"; do
		fits "$dir" 360 $LIGHT light && fits "$dir" 360 $DARK dark &&
			fits "$dir" 1280 $LIGHT light && fits "$dir" 1280 $DARK dark || return
	done
}

# Each rule broken in turn, and no other.
measured_as_wrong()
{
	local broken="$WORK/broken"

	made || return
	mkdir -p "$broken"
	sed 's|<pre>|<pre style="width: 500px">|' "$MADE/index.html" > "$broken/index.html"
	is_measured "$broken" 360 $LIGHT '(4[0-9]|5[0-9])[0-9] ' || return
	sed 's|font-size: 11px|font-size: 24px|' "$MADE/index.html" > "$broken/index.html"
	is_measured "$broken" 360 $LIGHT '.* wide [1-9]' || return
	sed 's|prefers-color-scheme: dark|prefers-color-scheme: none|' "$MADE/index.html" \
		> "$broken/index.html"
	is_measured "$broken" 360 $DARK '360 .* wide 0 light$'
}

# console FILE: what a browser has to say of the page, if it has one
console()
{
	browser --enable-logging=stderr --v=0 --dump-dom "$1" 2>&1 > "$WORK/dom" | grep -a CONSOLE
	grep -q '<p id="verdict"' "$WORK/dom"
}

nothing_on_console()
{
	local dir output

	for dir in "$RUN" "$MADE"; do
		output=$(console "$dir/index.html") || { echo "$dir: no page"; return 1; }
		printf '%s\n' "$output"
		[ -z "$output" ] || return
	done
}

# The page forbids a browser both.
refuses_more()
{
	local more="$WORK/more.html" output

	made || return
	sed 's|</body>|<img src="other.png"><script>document.title = "run"</script>&|' \
		"$MADE/index.html" > "$more"
	output=$(console "$more") || return
	printf '%s\n' "$output"
	[[ $output == *other.png* && $output == *script* ]] && ! grep '<title>run' "$WORK/dom"
}

hostile()
{
	panics '<script>alert(1)</script> & "quoted" </svg><img src=x onerror=alert(1)>'
}

markup_is_text()
{
	local hostile='<script>alert(1)</script>'

	made hostile || return
	echo "FAILED: $hostile" > "$MADE/verdict"
	printf '%s\t%s\t%s\n' "$hostile" "<b>" "</table>" > "$MADE/table"
	printf 'gpa %s\npfn %s\n' "$hostile" '</pre>' > "$MADE/${GUESTS[0]}/injected"
	page "$hostile" "$MADE" "${GUESTS[@]}" || return
	has "$MADE/index.html" '&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quoted&quot;' \
		'FAILED: &lt;script&gt;' 'linux &lt;script&gt;' 'gpa2hpa &lt;script&gt;' \
		'<th>&lt;script&gt;' || return
	! grep -nE '<(script|img)' "$MADE/index.html" &&
		[ "$(grep -c '</table>' "$MADE/index.html")" = 1 ] &&
		[ "$(console "$MADE/index.html" || echo "no page")" = '' ]
}

# names_gaps N: so many in the page of both guests
names_gaps()
{
	gaps "$MADE"
	[ "$(gaps "$MADE" | wc -l)" = "$1" ]
}

cut_off()
{
	panics | head -n 3 | head -c -20
}

incomplete()
{
	made true && names_gaps 10 && has "$MADE/index.html" 'no injection in its trace' &&
		made cut_off && names_gaps 6 && has "$MADE/index.html" 'error injected' &&
		made panics && names_gaps 0 || return
	rm "$MADE/${GUESTS[1]}/events.trace" "$MADE/verdict"
	page 6.19.8 "$MADE" "${GUESTS[@]}" && names_gaps 5 &&
		has "$MADE/index.html" '<p id="verdict" class="bad">no verdict'
}

# 20000 accesses, and a panic of 20000 characters
long()
{
	local words

	words=$(yes x | head -n 20000 | tr -d '\n')
	panics "$words" | head -n -2
	yes "$(lines 11.000001 kvm_msr 'msr_read 401 = 0x0')" | head -n 20000
	panics "$words" | tail -n 2
}

bounded()
{
	local size

	made long || return
	size=$(wc -c < "$MADE/index.html")
	echo "$size bytes"
	names_gaps 0 && [ "$size" -lt 200000 ] &&
		has "$MADE/index.html" ' later events of its trace are left out'
}

shows_failure()
{
	made || return
	printf '%s\n' 'FAILED: thread-guarded: no survival' 'console.log lacks: SIGBUS' \
		> "$MADE/verdict"
	page 6.19.8 "$MADE" "${GUESTS[@]}" &&
		has "$MADE/index.html" '<p id="verdict" class="bad">FAILED: thread-guarded' \
			'console.log lacks: SIGBUS'
}

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 13
test_that "the program that writes the demo's page is built" build_page_program
test_that "a page is written of a run of both guests" ran
test_that "the page shows each event of both guests" shows_all
test_that "the page has the events in the order of their causes" in_order
test_that "a browser finds the verdict in the page" in_dom
test_that "the page fits a phone and a desktop, in light and in dark" fits_everywhere
test_that "a page that is too wide, a label over its lane, no dark: each is measured as wrong" \
	measured_as_wrong
test_that "the page leaves a browser's console empty" nothing_on_console
test_that "a script and a picture added to the page: a browser refuses both" refuses_more
test_that "markup from traces, consoles and logs is text in the page" markup_is_text
test_that "the page names each event that a trace lacks" incomplete
test_that "the page of a trace without end is bounded" bounded
test_that "the page of a failed demo says so, and why" shows_failure
