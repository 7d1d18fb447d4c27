// SPDX-License-Identifier: GPL-2.0

//! The answer, in words or as one JSON object.

use crate::boot::Answer;
use crate::boot::Boot;
use crate::machine::Machine;
use crate::verdict::Check;
use crate::verdict::Verdict;
use std::fmt::Write;
use std::path::Path;

enum Value {
    Text(String),
    Number(Option<u64>),
    Truth(Option<bool>),
}

impl Value {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn in_words(&self) -> String {
        match self {
            // One line, whatever a file has in it.
            Self::Text(text) => text
                .chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect(),
            Self::Number(number) => number.map_or("unknown".into(), |number| number.to_string()),
            Self::Truth(truth) => match truth {
                Some(true) => "yes".into(),
                Some(false) => "no".into(),
                None => "unknown".into(),
            },
        }
    }

    fn in_json(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) => number.map_or("null".into(), |number| number.to_string()),
            Self::Truth(truth) => truth.map_or("null".into(), |truth| truth.to_string()),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// What there is to say.
fn members(
    machine: &Machine,
    image: Option<&Path>,
    verdict: &Verdict,
    boot: &Boot,
) -> [(&'static str, Value); 15] {
    let check = match verdict.check {
        Check::NotLookedAt => Value::text("not looked at"),
        Check::Checks => Value::text("checks"),
        Check::Vulnerable => Value::text("vulnerable"),
        Check::Absent => Value::text("absent"),
        Check::Unknown => Value::Truth(None),
    };
    let answer = |answer| match answer {
        Answer::NotAffected => Value::text("not affected"),
        Answer::Nothing => Value::text("none"),
        Answer::Survives => Value::text("survives"),
        Answer::MayPanic => Value::text("may panic"),
        Answer::Unknown => Value::Truth(None),
    };
    let polling = match machine.polls() {
        Some(true) => Value::text("on"),
        Some(false) => Value::text("off"),
        None => Value::Truth(None),
    };
    let release = machine.release().map_or(Value::Truth(None), Value::Text);
    let image = image.map_or("the kernel that runs".into(), |path| {
        path.display().to_string()
    });
    [
        ("status", Value::text(verdict.status.name())),
        ("reason", Value::text(&verdict.reason)),
        ("vendor", Value::text(machine.vendor().unwrap_or(""))),
        ("smca", Value::Truth(machine.flag("smca"))),
        ("hypervisor", Value::Truth(machine.flag("hypervisor"))),
        ("kernel", release),
        ("judged", Value::Text(image)),
        ("check", check),
        ("polling", polling),
        ("loaded", Value::Truth(Some(machine.loaded()))),
        ("hooked", Value::Truth(machine.hooked())),
        ("next_boot", answer(boot.next)),
        ("crash_kernel", answer(boot.crash)),
        ("boot_reason", Value::text(&boot.reason)),
        (
            "deferred_guarded",
            Value::Number(machine.counter("deferred_guarded")),
        ),
    ]
}

pub fn report(
    machine: &Machine,
    image: Option<&Path>,
    verdict: &Verdict,
    boot: &Boot,
    json: bool,
) -> String {
    let members = members(machine, image, verdict, boot);
    if json {
        let members = members.map(|(name, value)| format!("\"{name}\": {}", value.in_json()));
        return format!("{{{}}}\n", members.join(", "));
    }
    members
        .map(|(name, value)| format!("{:<17} {}\n", format!("{name}:"), value.in_words()))
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_and_json_is_json() {
        let text = Value::text("a \"b\" \\ c\nd\u{1b}");
        assert_eq!(text.in_words(), "a \"b\" \\ c?d?");
        assert_eq!(text.in_json(), "\"a \\\"b\\\" \\\\ c\\u000ad\\u001b\"");
        assert_eq!(Value::Truth(None).in_json(), "null");
        assert_eq!(Value::Number(Some(7)).in_json(), "7");
    }
}
