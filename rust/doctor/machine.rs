// SPDX-License-Identifier: GPL-2.0

//! What the machine says of itself in /proc, /sys and /boot.

use crate::boot::Parameters;
use crate::image::Build;
use crate::kallsyms::is_variant;
use crate::unpack::unpack;
use crate::unpack::GZIP;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// /proc/kallsyms has some 15 MB.
const MAX_TEXT: u64 = 64 << 20;
const MODULE: &str = "sys/module/amd_mce_guard";
/// The configuration of the kernel that runs, and of no other.
pub const RUNNING_CONFIG: &str = "/proc/config.gz";
const BANK: &str = "sys/devices/system/machinecheck";
/// Functions of which a livepatch may replace one.
const PATCHED: &[&str] = &["machine_check_poll", "clear_bank", "amd_clear_bank"];

/// A machine, or its files below a directory.
pub struct Machine {
    root: PathBuf,
    cpuinfo: String,
}

impl Machine {
    pub fn new(root: &Path) -> Self {
        let mut machine = Self {
            root: root.to_path_buf(),
            cpuinfo: String::new(),
        };
        machine.cpuinfo = machine.text("proc/cpuinfo").unwrap_or_default();
        machine
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    pub fn open(&self, path: &str) -> io::Result<File> {
        File::open(self.path(path))
    }

    /// What is in a file.
    pub fn bytes(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.take(MAX_TEXT).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A file of text, without white space at its end.
    pub fn text(&self, path: &str) -> io::Result<String> {
        let bytes = self.bytes(path)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_string())
    }

    /// The names in a directory, sorted.
    pub fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path))
            .into_iter()
            .flatten()
            .flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// What /proc/cpuinfo says of the first CPU.
    fn cpu(&self, field: &str) -> Option<&str> {
        self.cpuinfo.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == field).then(|| value.trim())
        })
    }

    pub fn vendor(&self) -> Option<&str> {
        self.cpu("vendor_id").filter(|vendor| !vendor.is_empty())
    }

    pub fn family(&self) -> Option<u32> {
        self.cpu("cpu family")?.parse().ok()
    }

    /// Whether that CPU has it, if its flags are there.
    pub fn flag(&self, name: &str) -> Option<bool> {
        Some(
            self.cpu("flags")?
                .split_ascii_whitespace()
                .any(|flag| flag == name),
        )
    }

    /// The release that runs, if it has the form of one: it becomes part of paths.
    pub fn release(&self) -> Result<String, String> {
        let release = self
            .text("proc/sys/kernel/osrelease")
            .map_err(|error| format!("/proc/sys/kernel/osrelease: {error}"))?;
        let may_be_in = |byte: u8| byte.is_ascii_alphanumeric() || b".+~_-".contains(&byte);
        if release.starts_with(|first: char| first.is_ascii_digit())
            && release.len() <= 64
            && release.bytes().all(may_be_in)
            && !release.contains("..")
        {
            Ok(release)
        } else {
            Err(format!(
                "\"{}\" is not a kernel's release",
                release.escape_default()
            ))
        }
    }

    /// Which build of it runs.
    pub fn build(&self) -> Option<Build> {
        Build::parse(&self.text("proc/version").ok()?)
    }

    /// Why this machine never polls, whatever its kernel is.
    pub fn without_machine_checks(&self) -> Option<&'static str> {
        let has = |flag| self.flag(flag) != Some(false);
        let switched_off = || Parameters::parse(&self.text("proc/cmdline").unwrap_or_default()).off;
        if self.exists(BANK) {
            None
        } else if !has("mce") || !has("mca") {
            Some("this CPU has no machine checks, so nothing polls for them")
        } else if self.exists("sys/devices/system") && switched_off() {
            Some("machine checks are switched off (mce=off), so nothing polls for them")
        } else {
            None
        }
    }

    /// Whether banks are polled, where deferred errors are found.
    pub fn polls(&self) -> Option<bool> {
        let interval = self
            .text(&format!("{BANK}/machinecheck0/check_interval"))
            .ok()?;
        let ignored = self.text(&format!("{BANK}/machinecheck0/ignore_ce"));
        Some(interval != "0" && ignored.map_or(true, |ignored| ignored != "1"))
    }

    /// A setting of the running kernel's configuration that is off, if both of that are known.
    pub fn setting_off(&self, release: Option<&str>) -> Option<(&'static str, String)> {
        let here = self
            .bytes(&RUNNING_CONFIG[1..])
            .ok()
            .and_then(|packed| unpack(&GZIP, &packed, MAX_TEXT as usize).ok())
            .map(|config| (RUNNING_CONFIG.to_string(), config));
        let of_release = release.into_iter().flat_map(|release| {
            ["boot/config-", "usr/lib/modules/", "lib/modules/"].map(|start| {
                let end = if start.ends_with('/') { "/config" } else { "" };
                format!("{start}{release}{end}")
            })
        });
        let (path, config) = here.or_else(|| {
            of_release
                .into_iter()
                .find_map(|path| Some((format!("/{path}"), self.text(&path).ok()?.into_bytes())))
        })?;
        let config = String::from_utf8_lossy(&config);
        let has = |line: &str| config.lines().any(|other| other == line);
        if !has("CONFIG_X86_64=y") {
            return None;
        }
        ["CONFIG_X86_MCE", "CONFIG_X86_MCE_AMD"]
            .into_iter()
            .find(|setting| has(&format!("# {setting} is not set")))
            .map(|setting| (setting, path))
    }

    /// The function that a livepatch replaces, of those that matter.
    pub fn livepatched(&self) -> Option<String> {
        let patches = "sys/kernel/livepatch";
        self.list(patches).iter().find_map(|patch| {
            let functions = self.list(&format!("{patches}/{patch}/vmlinux"));
            functions.into_iter().find_map(|function| {
                let name = function.split(',').next().unwrap_or("");
                is_one_of(PATCHED, name).then(|| name.to_string())
            })
        })
    }

    pub fn loaded(&self) -> bool {
        self.exists(MODULE)
    }

    /// Whether the guard is at work: live, and at the entry of the function. Not even root can tell
    /// where tracefs is not mounted.
    pub fn hooked(&self) -> Option<bool> {
        if self
            .text(&format!("{MODULE}/initstate"))
            .map_or(true, |state| state != "live")
        {
            return Some(false);
        }
        ["sys/kernel/tracing", "sys/kernel/debug/tracing"]
            .iter()
            .find_map(|tracefs| self.text(&format!("{tracefs}/enabled_functions")).ok())
            .map(|functions| functions.lines().any(is_hook))
    }

    /// What the guard counts; for root to read.
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.text(&format!("sys/kernel/debug/amd_mce_guard/{name}"))
            .ok()?
            .parse()
            .ok()
    }
}

/// Whether that is one of these functions, maybe with what compilers add to a name.
fn is_one_of(functions: &[&str], name: &str) -> bool {
    functions.iter().any(|function| is_variant(name, function))
}

/// Whether a line of enabled_functions is of the guard's hook. It names the module as long as the
/// hook is the only one of the function; of several, only the number is said.
fn is_hook(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let name = words.next().unwrap_or("");
    let users = words
        .next()
        .and_then(|word| word.strip_prefix('(')?.strip_suffix(')')?.parse().ok());
    line.contains("[amd_mce_guard]")
        || is_one_of(&["amd_clear_bank"], name) && users.is_some_and(|users: u32| users > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_the_guards_or_one_of_several() {
        let own =
            "amd_clear_bank (1)  \ttramp: 0xffffffffc0200000 (callback+0x0/0x70 [amd_mce_guard]) \
                   ->callback+0x0/0x70 [amd_mce_guard]";
        assert!(is_hook(own));
        assert!(is_hook(
            &own.replace("amd_clear_bank ", "amd_clear_bank.llvm.4711 ")
        ));
        assert!(is_hook(
            "amd_clear_bank (2)  \t->arch_ftrace_ops_list_func+0x0/0x2f0"
        ));
        assert!(is_hook("amd_clear_bank.isra.0 (3) R"));
        assert!(!is_hook("amd_clear_bank (1) R"));
        assert!(!is_hook(
            "amd_clear_bank (1) \ttramp: 0xffffffffc0200000 (other+0x0/0x70 [other])"
        ));
        assert!(!is_hook("amd_clear_bank_of_another (2)"));
        assert!(!is_hook("schedule (2)"));
        assert!(!is_hook(""));
    }
}
