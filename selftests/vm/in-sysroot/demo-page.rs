// SPDX-License-Identifier: GPL-2.0

//! `demo-page RELEASE DIR UNGUARDED GUARDED`: the page of the demo, on standard output.
//!
//! DIR has a directory for each of the two guests, with its `events.trace` and `injected`, and
//! the files `table` (a row each line, its three cells separated by tabs) and `verdict`. A file
//! that is missing, empty or cut off leaves a gap, and the page names it.

use std::{
    env,
    fmt::Write,
    fs::File,
    io::{self, Read},
    path::Path,
    process::ExitCode,
};

/// Bounds of what is read and drawn, many times what a run leaves.
const FILE_BYTES: u64 = 4 << 20;
const ROWS: usize = 40;
const STEPS: usize = 24;
const TICKS: usize = 200;
const CELL_CHARS: usize = 200;

/// What fits into a lane of the picture.
const LABEL_CHARS: usize = 28;

/// What a guest whose trace is whole has been through.
const EXPECTED: [(Step, &str); 5] = [
    (Step::Injected, "the injection"),
    (Step::Signal, "QEMU's SIGBUS"),
    (Step::Set, "the bank being set"),
    (Step::Poll, "a poll that finds the error"),
    (Step::End, "a panic or a SIGBUS in the guest"),
];

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Injected,
    Signal,
    Set,
    Poll,
    Fault,
    Cleared,
    Sent,
    End,
}

#[derive(Clone, Copy, PartialEq)]
enum Tone {
    Plain,
    Good,
    Bad,
}

/// An access of the guest to one of its machine check registers.
struct Access {
    write: bool,
    register: u32,
    value: u64,
    fault: bool,
}

/// What is written beside an event.
struct Label {
    step: Step,
    tone: Tone,
    what: String,
    detail: String,
}

fn label(step: Step, tone: Tone, what: impl Into<String>, detail: impl Into<String>) -> Label {
    Label {
        step,
        tone,
        what: what.into(),
        detail: detail.into(),
    }
}

struct Event {
    /// Microseconds since the injection.
    at: i64,
    /// An access that is like many others has none.
    label: Option<Label>,
    access: Option<Access>,
}

#[derive(Default)]
struct Guest {
    events: Vec<Event>,
    /// Events that are not drawn.
    left_out: usize,
}

impl Guest {
    fn has(&self, wanted: Step) -> bool {
        self.events.iter().any(|event| {
            event
                .label
                .as_ref()
                .is_some_and(|label| label.step == wanted)
        })
    }
}

/// The file's text, or nothing.
fn read(path: &Path) -> String {
    let mut bytes = Vec::new();

    if let Ok(file) = File::open(path) {
        // What has been read before an error is shown.
        let _ = file.take(FILE_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `text` as HTML: without markup, without control characters, and not longer than `chars`.
fn html(text: &str, chars: usize) -> String {
    let mut out = String::new();
    let mut left = chars;

    for c in text.trim().chars().filter(|c| !c.is_control()) {
        if left == 0 {
            out.push('…');
            break;
        }
        left -= 1;
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// What follows `name=` in the fields of an event.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// A line of the trace: microseconds, the event's name and its text.
fn parse_line(line: &str) -> Option<(i64, &str, &str)> {
    // The name of the task, in front of it, may have spaces.
    let (_, rest) = line.split_once("] ")?;
    let (_, rest) = rest.trim_start().split_once(' ')?;
    let (time, rest) = rest.trim_start().split_once(": ")?;
    let (name, text) = rest.split_once(": ")?;
    let (seconds, micros) = time.split_once('.')?;
    let seconds: u32 = seconds.parse().ok()?;
    let micros: u32 = micros.parse().ok()?;

    Some((
        i64::from(seconds) * 1_000_000 + i64::from(micros),
        name,
        text,
    ))
}

/// `msr_write c0002098 = 0x0 (#GP)`
fn parse_access(text: &str) -> Option<Access> {
    let mut words = text.split_whitespace();
    let write = match words.next()? {
        "msr_write" => true,
        "msr_read" => false,
        _ => return None,
    };
    let register = u32::try_from(hex(words.next()?)?).ok()?;

    words.next().filter(|word| *word == "=")?;
    Some(Access {
        write,
        register,
        value: hex(words.next()?)?,
        fault: words.next() == Some("(#GP)"),
    })
}

impl Access {
    /// The bank whose MCi_STATUS it is about, if it is about one.
    fn status_of(&self) -> Option<u32> {
        (0x400..0x480)
            .contains(&self.register)
            .then_some(self.register - 0x400)
            .filter(|offset| offset % 4 == 1)
            .map(|offset| offset / 4)
    }

    /// Of an MCi_STATUS: bit 63, which makes it valid.
    fn is_error(&self) -> bool {
        self.value >> 63 == 1
    }

    /// The register's name.
    fn name(&self) -> String {
        const LEGACY: [&str; 4] = ["CTL", "STATUS", "ADDR", "MISC"];
        const SMCA: [&str; 10] = [
            "CTL", "STATUS", "ADDR", "MISC0", "CONFIG", "IPID", "SYND", "", "DESTAT", "DEADDR",
        ];

        match self.register {
            0x400..=0x47f => {
                let offset = self.register - 0x400;
                format!("MC{}_{}", offset / 4, LEGACY[offset as usize % 4])
            }
            0xc0002000..=0xc0002fff => {
                let offset = self.register - 0xc0002000;
                let name = SMCA.get(offset as usize % 16).unwrap_or(&"");
                format!("MC{}_{name}", offset / 16)
            }
            _ => String::new(),
        }
    }

    fn instruction(&self) -> &'static str {
        if self.write {
            "WRMSR"
        } else {
            "RDMSR"
        }
    }

    fn text(&self) -> String {
        let fault = if self.fault { ", #GP" } else { "" };

        format!(
            "{} {:#x} {} = {:#x}{}",
            self.instruction(),
            self.register,
            self.name(),
            self.value,
            fault
        )
    }
}

/// What stands beside an access that matters; `found` is the bank with the error, once it has been
/// found there.
fn label_access(access: &Access, found: &mut Option<u32>) -> Option<Label> {
    if access.fault {
        return Some(label(
            Step::Fault,
            Tone::Bad,
            format!("{} faults: #GP", access.instruction()),
            format!("{:#x} {}", access.register, access.name()),
        ));
    }
    let bank = access.status_of()?;

    if !access.write && access.is_error() && found.is_none() {
        *found = Some(bank);
        return Some(label(
            Step::Poll,
            Tone::Plain,
            format!("a poll reads bank {bank}"),
            format!("STATUS {:#x}", access.value),
        ));
    }
    (access.write && access.value == 0 && *found == Some(bank)).then(|| {
        label(
            Step::Cleared,
            Tone::Good,
            format!("bank {bank} is cleared"),
            format!("WRMSR {:#x} = 0", access.register),
        )
    })
}

/// QEMU's setting of an MSR of the guest's, if that puts an error into a bank.
fn label_set(text: &str) -> Option<Label> {
    let set = Access {
        write: true,
        register: u32::try_from(hex(field(text, "msr")?)?).ok()?,
        value: hex(field(text, "value")?)?,
        fault: false,
    };
    let bank = set.status_of().filter(|_| set.is_error())?;

    Some(label(
        Step::Set,
        Tone::Plain,
        format!("QEMU sets bank {bank}"),
        format!("STATUS {:#x}", set.value),
    ))
}

/// What procedure.sh has written into the trace: its own words or those of the guest's console.
fn label_marker(text: &str) -> Option<Label> {
    if let Some(what) = text.strip_prefix("injected ") {
        let frame = what.split(" gpa ").next().unwrap_or("");
        let detail = format!("hwpoison, {frame}");

        return Some(label(Step::Injected, Tone::Plain, "error injected", detail));
    }
    if let Some((_, why)) = text.split_once("Kernel panic - not syncing: ") {
        return Some(label(Step::End, Tone::Bad, "the guest panics", why));
    }
    if text.starts_with("SIGBUS ") {
        let code = text.split(['(', ')']).nth(1).unwrap_or("");
        return Some(label(Step::End, Tone::Good, "its process has SIGBUS", code));
    }
    let (_, whom) = text.split_once("Sending SIGBUS to ")?;
    let whom = whom.split_whitespace().next().unwrap_or("");
    let detail = format!("to {whom}");

    Some(label(
        Step::Sent,
        Tone::Plain,
        "its kernel sends SIGBUS",
        detail,
    ))
}

/// From the injection to the panic, or to the process's SIGBUS.
fn parse_trace(trace: &str) -> Guest {
    let mut guest = Guest::default();
    let mut zero = None;
    let mut found = None;
    let (mut steps, mut ticks) = (0, 0);
    let mut ended = false;

    for line in trace.lines() {
        let Some((time, name, text)) = parse_line(line) else {
            continue;
        };
        if zero.is_none() && name == "tracing_mark_write" && text.starts_with("injected ") {
            zero = Some(time);
        }
        let Some(zero) = zero else {
            continue;
        };
        let access = if name == "kvm_msr" {
            parse_access(text)
        } else {
            None
        };
        let beside = match name {
            "kvm_msr" => access
                .as_ref()
                .and_then(|access| label_access(access, &mut found)),
            "tracing_mark_write" => label_marker(text),
            "signal_generate" if field(text, "sig") == Some("7") => Some(label(
                Step::Signal,
                Tone::Plain,
                "QEMU has SIGBUS",
                match field(text, "code") {
                    Some("5") => "BUS_MCEERR_AO".to_owned(),
                    code => format!("si_code {}", code.unwrap_or("?")),
                },
            )),
            // It sets all banks anew whenever it sets any register.
            "kvm_bank_set" if !guest.has(Step::Set) => label_set(text),
            _ => None,
        };
        if beside.is_none() && access.is_none() {
            continue;
        }
        // Ticks are bounded for themselves, so that many of them do not hide how it ended.
        let (drawn, most) = match beside {
            Some(_) => (&mut steps, STEPS),
            None => (&mut ticks, TICKS),
        };
        *drawn += 1;
        if ended || *drawn > most {
            guest.left_out += 1;
            continue;
        }
        ended = beside.as_ref().is_some_and(|label| label.step == Step::End);
        guest.events.push(Event {
            at: time - zero,
            label: beside,
            access,
        });
    }
    guest
}

/// Relative to the injection
fn time(at: i64) -> String {
    let (sign, at) = if at < 0 { ("−", -at) } else { ("", at) };

    format!("{sign}{}.{:02} ms", at / 1000, at % 1000 / 10)
}

/// How far below the event before it one is drawn: the logarithm of the time between, since what a
/// poll does takes microseconds and to wait for it a second.
fn distance(micros: i64) -> f64 {
    2.0 * (1.0 + micros.max(0) as f64 / 10.0).log2()
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Bad => "bad",
    }
}

const LANES: [f64; 2] = [12.0, 192.0];
const WIDTH: f64 = 360.0;
const LINE: f64 = 13.0;

/// One time line for both guests, from top to bottom.
fn draw(guests: &[Guest; 2], titles: [&str; 2]) -> String {
    let mut marks = String::new();
    let mut order: Vec<(usize, &Event)> = Vec::new();
    // Where there is room again, for a tick and for a label in each lane.
    let (mut tick_from, mut label_from) = ([42.0; 2], [50.0; 2]);
    let (mut y, mut before, mut bottom) = (36.0_f64, 0, 60.0_f64);

    for (lane, guest) in guests.iter().enumerate() {
        order.extend(guest.events.iter().map(|event| (lane, event)));
    }
    // A stable sort: what has one time stamp stays as it came.
    order.sort_by_key(|(_, event)| event.at);
    for (lane, event) in order {
        let x = LANES[lane];

        y = (y + distance(event.at - before)).max(tick_from[lane]);
        before = event.at;
        if let Some(label) = &event.label {
            let whole = match &event.access {
                Some(access) => access.text(),
                None => label.detail.clone(),
            };

            y = y.max(label_from[lane]);
            label_from[lane] = y + 3.0 * LINE + 8.0;
            let _ = writeln!(
                marks,
                "<g class=\"{}\"><title>{}: {}, {}</title>\
                 <circle cx=\"{x}\" cy=\"{y:.1}\" r=\"5\"/>\
                 <text x=\"{tx}\" y=\"{y1:.1}\" class=\"time\">{}</text>\
                 <text x=\"{tx}\" y=\"{y2:.1}\" class=\"label\">{}</text>\
                 <text x=\"{tx}\" y=\"{y3:.1}\" class=\"detail\">{}</text></g>",
                class(label.tone),
                time(event.at),
                html(&label.what, CELL_CHARS),
                html(&whole, CELL_CHARS),
                time(event.at),
                html(&label.what, LABEL_CHARS),
                html(&label.detail, LABEL_CHARS),
                tx = x + 12.0,
                y1 = y + 3.0,
                y2 = y + 3.0 + LINE,
                y3 = y + 3.0 + 2.0 * LINE,
            );
            bottom = bottom.max(y + 3.0 * LINE);
            tick_from[lane] = y + 8.0;
        } else if let Some(access) = &event.access {
            let _ = writeln!(
                marks,
                "<path class=\"{}\" d=\"M{} {y:.1}h10\"><title>{}: {}</title></path>",
                if access.write { "write" } else { "read" },
                x - 5.0,
                time(event.at),
                html(&access.text(), CELL_CHARS),
            );
            tick_from[lane] = y + 4.0;
        }
        bottom = bottom.max(y + 10.0);
    }

    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-labelledby=\"line\">\n\
         <title id=\"line\">Both guests, from the injection on; the lists below have it as \
         text</title>\n",
        height = bottom + 8.0
    );
    for (lane, title) in titles.iter().enumerate() {
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"16\" class=\"head\">{title}</text>\n\
             <path class=\"lane\" d=\"M{x} 28V{bottom:.1}\"/>\n",
            LANES[lane] - 8.0,
            x = LANES[lane],
        );
        if guests[lane].events.is_empty() {
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"46\" class=\"detail\">no injection in its trace</text>",
                LANES[lane] + 12.0
            );
        }
    }
    svg + &marks + "</svg>\n"
}

/// What the traces lack, and what is in them and not in the picture.
fn notes(guest: &Guest, title: &str) -> String {
    let mut out = String::new();

    for (step, name) in EXPECTED {
        if !guest.has(step) {
            let _ = writeln!(
                out,
                "<p class=\"gap\">Guest {title}: {name} is not in its trace.</p>"
            );
        }
    }
    if guest.left_out > 0 {
        let _ = writeln!(
            out,
            "<p class=\"note\">Guest {title}: {} later events of its trace are left out here.</p>",
            guest.left_out
        );
    }
    out
}

/// All of it as text
fn list(guest: &Guest, title: &str) -> String {
    let accesses = guest
        .events
        .iter()
        .filter(|event| event.access.is_some())
        .count();
    let mut out = format!(
        "<details><summary>Guest {title}: {} events, {accesses} of them MSR accesses</summary>\n\
         <ol>\n",
        guest.events.len()
    );

    for event in &guest.events {
        let (tone, mut text) = match &event.label {
            Some(label) => (label.tone, format!("{}: {}", label.what, label.detail)),
            None => (Tone::Plain, String::new()),
        };

        if let Some(access) = &event.access {
            text = access.text();
        }
        let _ = writeln!(
            out,
            "<li class=\"{}\"><b>{}</b> {}</li>",
            class(tone),
            time(event.at),
            html(&text, CELL_CHARS)
        );
    }
    out + "</ol>\n</details>\n"
}

/// The demo's table; its first row is the head.
fn table(text: &str) -> String {
    let mut out = String::from("<table>\n");

    for (number, row) in text.lines().take(ROWS).enumerate() {
        let mut cells = row.split('\t').map(|cell| html(cell, CELL_CHARS));
        let mut next = || cells.next().unwrap_or_default();
        let cell = if number == 0 { "th" } else { "td" };

        let _ = writeln!(
            out,
            "<tr><th>{}</th><{cell}>{}</{cell}><{cell}>{}</{cell}></tr>",
            next(),
            next(),
            next()
        );
    }
    out + "</table>\n"
}

/// Its first line, and what is wrong in detail.
fn verdict(text: &str) -> String {
    let mut lines = text.lines().take(ROWS);
    let first = lines
        .next()
        .unwrap_or("no verdict: the demo has not come to its end");
    let tone = if first.starts_with("as expected") {
        Tone::Good
    } else {
        Tone::Bad
    };
    let mut out = format!(
        "<p id=\"verdict\" class=\"{}\">{}</p>\n",
        class(tone),
        html(first, CELL_CHARS)
    );

    for line in lines {
        let _ = writeln!(out, "<p class=\"gap\">{}</p>", html(line, CELL_CHARS));
    }
    out
}

/// What was done to a guest
fn commands(injected: &str) -> String {
    let value = |name| {
        let found = injected.lines().find_map(|line| line.strip_prefix(name));
        html(found.unwrap_or(" ?"), LABEL_CHARS)
    };

    format!(
        "(qemu) gpa2hpa {}\n# echo {} &gt; /sys/kernel/debug/hwpoison/corrupt-pfn\n",
        value("gpa"),
        value("pfn")
    )
}

/// No script, and nothing from elsewhere: a browser is told to allow neither.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>amd_mce_guard: a deferred memory error, without and with the guard</title>
<style>
:root { color-scheme: light dark; --back: #fcfcfa; --text: #1c1e21; --dim: #5c6169;
	--line: #d3d5d9; --good: #1a7240; --bad: #b3261e; --tick: #3867b0; --box: #f1f1ee }
@media (prefers-color-scheme: dark) {
	:root { --back: #15171a; --text: #e4e5e7; --dim: #a0a5ad;
		--line: #3b3f45; --good: #62c588; --bad: #ff8a80; --tick: #86b0f3; --box: #202327 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 44rem; background: var(--back);
	color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; line-height: 1.25; margin: .5rem 0 }
h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem }
p { margin: .5rem 0 }
.gap, .bad { color: var(--bad) }
.note { color: var(--dim) }
.good { color: var(--good) }
#verdict { padding: .6rem .8rem; background: var(--box); border-left: .3rem solid;
	font-weight: 600 }
svg { display: block; width: 100%; max-width: 34rem; height: auto; margin: 1rem auto }
svg text { fill: var(--text); font: 10px system-ui, sans-serif }
svg .head { font-size: 12px; font-weight: 700 }
svg .time { fill: var(--dim); font-variant-numeric: tabular-nums }
svg .label { font-size: 11px; font-weight: 600 }
svg .detail { fill: var(--dim); font-size: 9.5px }
svg .bad .label { fill: var(--bad) }
svg .good .label { fill: var(--good) }
svg .lane { stroke: var(--line); stroke-width: 2 }
svg .read { stroke: var(--tick); stroke-width: 1.5 }
svg .write { stroke: var(--text); stroke-width: 2.5 }
svg circle { fill: var(--tick); stroke: var(--back); stroke-width: 2 }
svg .bad circle { fill: var(--bad) }
svg .good circle { fill: var(--good) }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-size: .85rem }
th, td { padding: .3rem .4rem; border-bottom: 1px solid var(--line); text-align: left;
	vertical-align: top; font-variant-numeric: tabular-nums }
tr th:first-child { width: 28%; color: var(--dim); font-weight: 400 }
details { margin: .5rem 0 }
summary { cursor: pointer }
ol { padding-left: 2.5rem; font-size: .85rem; font-variant-numeric: tabular-nums }
pre { margin: .5rem 0; padding: .6rem .8rem; background: var(--box); font-size: .8rem;
	white-space: pre-wrap }
</style>
</head>
<body>
"#;

fn page(release: &str, dir: &Path, names: [&str; 2]) -> String {
    let titles = ["without the guard", "with the guard"];
    let guests = names.map(|name| parse_trace(&read(&dir.join(name).join("events.trace"))));
    let mut out = String::from(HEAD);

    let _ = write!(
        out,
        "<h1>A deferred memory error, without and with amd_mce_guard</h1>\n\
         {}<p>An AMD guest on KVM with linux {}, twice. Its host poisons a page of one of its \
         processes; QEMU puts the error into a bank of the guest's, and the guest's next poll \
         finds it there.</p>\n\
         <h2>One time line</h2>\n\
         <p class=\"note\">Milliseconds since the injection into each guest, by the clock of the \
         host's trace; distances are logarithmic. Ticks are the guest's accesses to its machine \
         check registers, bold ones are writes. A panic and the guest's SIGBUS appear when its \
         console tells of them.</p>\n",
        verdict(&read(&dir.join("verdict"))),
        html(release, LABEL_CHARS * 2),
    );
    out += &draw(&guests, titles);
    for (guest, title) in guests.iter().zip(titles) {
        out += &notes(guest, title);
    }
    for (guest, title) in guests.iter().zip(titles) {
        out += &list(guest, title);
    }
    out += "<h2>What came of it</h2>\n";
    out += &table(&read(&dir.join("table")));
    out += "<h2>How to repeat it</h2>\n<pre>$ make demo</pre>\n\
            <p class=\"note\">It did this in the host of each guest:</p>\n<pre>";
    for name in names {
        out += &commands(&read(&dir.join(name).join("injected")));
    }
    out + "</pre>\n</body>\n</html>\n"
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [release, dir, unguarded, guarded] = arguments.as_slice() else {
        eprintln!("usage: demo-page RELEASE DIR UNGUARDED GUARDED");
        return ExitCode::FAILURE;
    };
    let page = page(release, Path::new(dir), [unguarded, guarded]);

    match io::Write::write_all(&mut io::stdout(), page.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-page: cannot write the page: {error}");
            ExitCode::FAILURE
        }
    }
}
