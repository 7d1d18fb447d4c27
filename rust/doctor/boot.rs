// SPDX-License-Identifier: GPL-2.0

//! Does this machine survive its next boot, should an error be pending then?
//!
//! A bank keeps its contents over a reset, and the kernel polls all banks while it boots, before a
//! module can be loaded. With mce=nobootlog it zeroes them instead. A crash kernel meets the same
//! bank.

use crate::machine::Machine;
use crate::verdict::unaffected_cpu;
use crate::verdict::Check;
use crate::verdict::Status;
use crate::verdict::Verdict;

/// AMD CPUs of earlier families have no boot log unless it is asked for.
const FIRST_WITH_BOOT_LOG: u32 = 0x11;

/// Files that configure kdump, with its command line in place of the running kernel's, and what is
/// appended to either: Debian's and Ubuntu's; that of Fedora, RHEL and SUSE.
const KDUMP: &[(&str, &str, &str)] = &[
    (
        "etc/default/kdump-tools",
        "KDUMP_CMDLINE",
        "KDUMP_CMDLINE_APPEND",
    ),
    (
        "etc/sysconfig/kdump",
        "KDUMP_COMMANDLINE",
        "KDUMP_COMMANDLINE_APPEND",
    ),
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    NotAffected,
    /// There is no crash kernel.
    Nothing,
    Survives,
    MayPanic,
    Unknown,
}

pub struct Boot {
    pub next: Answer,
    pub crash: Answer,
    /// Why, and what to do.
    pub reason: String,
}

/// What the mce= parameters of a command line say of it all.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Parameters {
    pub off: bool,
    /// The last of mce=bootlog and mce=nobootlog.
    boot_log: Option<bool>,
}

impl Parameters {
    /// As mcheck_enable() does: one word for each mce=, where a list of them counts for nothing.
    pub fn parse(line: &str) -> Self {
        let mut parameters = Self::default();
        for word in words(line) {
            if word.starts_with("nomce") {
                parameters.off = true;
            } else if let Some(word) = word.strip_prefix("mce") {
                match word.strip_prefix('=').unwrap_or(word) {
                    "off" => parameters.off = true,
                    "bootlog" => parameters.boot_log = Some(true),
                    "nobootlog" => parameters.boot_log = Some(false),
                    _ => (),
                }
            }
        }
        parameters
    }

    fn boot_log(&self, family: u32) -> bool {
        !self.off && self.boot_log.unwrap_or(family >= FIRST_WITH_BOOT_LOG)
    }
}

/// The kernel's words of a command line; what follows "--" is for init.
fn words(line: &str) -> impl Iterator<Item = String> + '_ {
    let mut quoted = false;
    line.split(move |c: char| {
        quoted ^= c == '"';
        !quoted && c.is_ascii_whitespace()
    })
    .map(|word| word.replace('"', ""))
    .take_while(|word| word != "--")
}

/// What a file for a shell assigns to a variable at last.
fn assigned(file: &str, name: &str) -> Option<String> {
    let value = file
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix('='))
        .last()?;
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
        _ => value.split_ascii_whitespace().next(),
    };
    Some(value.unwrap_or("").to_string()).filter(|value| !value.is_empty())
}

/// What boots after a crash.
enum CrashKernel {
    Nothing,
    Configured {
        line: String,
        inherited: bool,
        /// What sets the command line, or adds to the running kernel's.
        place: String,
    },
    /// Somebody has loaded one by hand.
    Unknown,
}

fn crash_kernel(machine: &Machine, line: &str) -> CrashKernel {
    let loaded = machine
        .text("sys/kernel/kexec_crash_loaded")
        .is_ok_and(|loaded| loaded == "1");
    if !loaded && !words(line).any(|word| word.starts_with("crashkernel=")) {
        return CrashKernel::Nothing;
    }
    for (path, replaces, appends) in KDUMP {
        let Ok(file) = machine.text(path) else {
            continue;
        };
        let own = assigned(&file, replaces);
        let inherited = own.is_none();
        let variable = if inherited { appends } else { replaces };
        return CrashKernel::Configured {
            line: format!(
                "{} {}",
                own.as_deref().unwrap_or(line),
                assigned(&file, appends).unwrap_or_default()
            ),
            inherited,
            place: format!("{variable} in /{path}"),
        };
    }
    if loaded {
        CrashKernel::Unknown
    } else {
        CrashKernel::Nothing
    }
}

/// Of a machine that was judged so, if the kernel that was judged boots next, with the command line
/// that the running one has.
pub fn next_boot(machine: &Machine, verdict: &Verdict) -> Boot {
    let both = |answer, reason: &str| Boot {
        next: answer,
        crash: answer,
        reason: reason.into(),
    };
    if verdict.status == Status::NotAffected
        || matches!(unaffected_cpu(machine), Ok(Some(_)))
        || matches!(verdict.check, Check::Checks | Check::Absent)
    {
        return both(Answer::NotAffected, "its kernel may poll at any time");
    }
    if verdict.check != Check::Vulnerable {
        return both(Answer::Unknown, "what the kernel does is unknown");
    }
    let (Ok(line), Some(family)) = (machine.text("proc/cmdline"), machine.family()) else {
        let reason = "/proc/cmdline, or the CPU's family in /proc/cpuinfo, cannot be read";
        return both(Answer::Unknown, reason);
    };
    let answer = |line: &str| {
        let parameters = Parameters::parse(line);
        let polls = !parameters.off && (parameters.boot_log(family) || !verdict.zeroes_banks);
        if polls {
            Answer::MayPanic
        } else {
            Answer::Survives
        }
    };
    let next = answer(&line);
    let mut reason = match next {
        Answer::MayPanic if verdict.zeroes_banks => {
            "an error outlives a reset, and the kernel polls for it while it boots, before there \
             is a guard: put mce=nobootlog at the end of its command line"
        }
        Answer::MayPanic => {
            "an error outlives a reset, and this kernel polls for it while it boots, with \
             mce=nobootlog, too: boot a fixed one, and until then stop and start the VM, do not \
             reset it"
        }
        _ => "the kernel does not poll for errors while it boots",
    }
    .to_string();
    let crash = match crash_kernel(machine, &line) {
        CrashKernel::Nothing => Answer::Nothing,
        CrashKernel::Unknown => {
            reason += "; the command line of the crash kernel is unknown";
            Answer::Unknown
        }
        CrashKernel::Configured {
            line,
            inherited,
            place,
        } => {
            let crash = answer(&line);
            let said = inherited && next == crash;
            if crash == Answer::MayPanic && verdict.zeroes_banks && !said {
                reason += &format!("; put mce=nobootlog into {place} for the crash kernel");
            }
            crash
        }
    };
    Boot {
        next,
        crash,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: u32 = 0x19;

    fn boot_log(line: &str) -> bool {
        Parameters::parse(line).boot_log(FAMILY)
    }

    #[test]
    fn each_mce_parameter_has_one_word_and_the_last_counts() {
        for line in [
            "",
            "quiet mce=ignore_ce",
            "mce=nobootlog mce=bootlog",
            "mce=nobootlog,ignore_ce",
            "mce=ignore_ce,nobootlog",
            "mce=Nobootlog",
            "mce mce=2 mce=",
            "amd_mce=nobootlog",
            "nobootlog",
            "-- mce=nobootlog",
            "foo=\"mce=nobootlog\"",
            "foo=\"bar mce=nobootlog baz\"",
        ] {
            assert!(boot_log(line), "{line}");
        }
        for line in [
            "mce=nobootlog",
            "mce=bootlog mce=nobootlog",
            "mce=nobootlog mce=ignore_ce mce=recovery",
            "mce=ignore_ce\tmce=nobootlog\n",
            "mce=\"nobootlog\"",
            "\"mce=nobootlog\" -- quiet",
            "mcenobootlog",
            "mce=off",
            "nomce",
        ] {
            assert!(!boot_log(line), "{line}");
        }
    }

    #[test]
    fn old_families_have_no_boot_log_unless_it_is_asked_for() {
        assert!(!Parameters::parse("").boot_log(0x10));
        assert!(Parameters::parse("").boot_log(0x11));
        assert!(Parameters::parse("mce=bootlog").boot_log(0x10));
    }

    #[test]
    fn the_last_assignment_counts() {
        let file = "# NAME=no\nNAME=\"first\"\nNAMES=no\n NAME='a b' # c\nNAME_TOO=no\n";
        assert_eq!(assigned(file, "NAME").as_deref(), Some("a b"));
        assert_eq!(assigned(file, "NAME_TOO").as_deref(), Some("no"));
        assert_eq!(assigned(file, "OTHER"), None);
        assert_eq!(assigned("NAME=\"\"\n", "NAME"), None);
    }
}
