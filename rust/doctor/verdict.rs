// SPDX-License-Identifier: GPL-2.0

//! Is this machine affected, and is it protected?

use crate::btf::takes_pointer_to;
use crate::code::look;
use crate::code::Finding;
use crate::code::Kernel;
use crate::code::Place;
use crate::elf::Kcore;
use crate::image::Image;
use crate::kallsyms;
use crate::kallsyms::Symbols;
use crate::machine::Machine;
use crate::machine::RUNNING_CONFIG;
use std::io::ErrorKind;
use std::path::Path;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    Protected,
    NotAffected,
    Affected,
    CannotTell,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::NotAffected => "not affected",
            Self::Affected => "affected",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// What was found out of the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Check {
    /// There was no need to look.
    NotLookedAt,
    Checks,
    Vulnerable,
    Absent,
    Unknown,
}

pub struct Verdict {
    pub status: Status,
    pub reason: String,
    pub check: Check,
    /// Whether the kernel, once it was looked at, zeroes its banks at boot where there is to be no
    /// boot log, without polling them.
    pub zeroes_banks: bool,
}

impl Verdict {
    fn new(status: Status, reason: impl Into<String>, check: Check) -> Self {
        Self {
            status,
            reason: reason.into(),
            check,
            zeroes_banks: false,
        }
    }

    fn not_affected(reason: impl Into<String>) -> Self {
        Self::new(Status::NotAffected, reason, Check::NotLookedAt)
    }

    fn cannot_tell(reason: impl Into<String>) -> Self {
        Self::new(Status::CannotTell, reason, Check::Unknown)
    }
}

/// What is known of a kernel, whether its functions can be hooked, and see [`Verdict`].
struct Looked {
    finding: Finding,
    traceable: bool,
    /// Whether amd_clear_bank() takes a struct mce *, if there is BTF that tells.
    prototype: Option<bool>,
    zeroes_banks: bool,
}

impl Looked {
    fn new(finding: Finding, symbols: &Symbols, btf: Option<&[u8]>) -> Self {
        Self {
            finding,
            traceable: symbols.has("register_ftrace_function"),
            prototype: btf.and_then(|btf| takes_pointer_to(btf, "amd_clear_bank", "mce")),
            zeroes_banks: symbols.has(PREPARES_BANKS),
        }
    }
}

/// Linux 6.18 has it, for three callers. Linux 6.12 has not: with mce=nobootlog it polls at boot,
/// too, and only does not log.
const PREPARES_BANKS: &str = "__mcheck_cpu_init_prepare_banks";

/// Functions of a kernel that was built with CONFIG_X86_MCE_AMD.
const BUILT_WITH: &[&str] = &["amd_clear_bank", "mce_amd_feature_init"];

const STOP_GAP: &str =
    "boot a fixed kernel, or until then one with mce=ignore_ce mce=nobootlog on its command line";

/// Of the kernel that runs, or of the one in `image` on an AMD CPU without SMCA.
pub fn verdict(machine: &Machine, image: Option<&Path>) -> Verdict {
    let unaffected = unaffected_cpu(machine);
    if let Some(path) = image {
        // Whoever asks may do so for a guest, on its host.
        let mut verdict = of_file(path);
        if let (Status::Affected, Ok(Some(cpu))) = (verdict.status, unaffected) {
            verdict.reason = format!("{} (not on this machine: {cpu})", verdict.reason);
        }
        return verdict;
    }
    match unaffected {
        Err(reason) => return Verdict::cannot_tell(reason),
        Ok(Some(reason)) => return Verdict::not_affected(reason),
        Ok(None) => (),
    }
    if let Some(reason) = machine.without_machine_checks() {
        return Verdict::not_affected(reason);
    }
    let hooked = machine.hooked();
    let mut verdict = match look_at_running(machine) {
        Ok(Answer::Looked(looked)) => of_finding(&looked, "this kernel", Some((machine, hooked))),
        Ok(Answer::Config(reason)) => Verdict::new(Status::NotAffected, reason, Check::Absent),
        Err(reason) => Verdict::cannot_tell(reason),
    };
    if hooked == Some(true) {
        verdict.status = Status::Protected;
        verdict.reason = "amd_mce_guard is at work".into();
    }
    verdict
}

/// Why no kernel is affected on this CPU, if so.
pub fn unaffected_cpu(machine: &Machine) -> Result<Option<&'static str>, &'static str> {
    match machine.vendor() {
        None => return Err("/proc/cpuinfo does not name a CPU's vendor"),
        Some("AuthenticAMD") => (),
        Some(_) => return Ok(Some("this CPU is not AMD's")),
    }
    match machine.flag("smca") {
        None => Err("/proc/cpuinfo has no flags of the CPU"),
        Some(smca) => Ok(smca.then_some("this CPU has SMCA")),
    }
}

fn of_file(path: &Path) -> Verdict {
    let name = path.display();
    match Image::open(path).and_then(look_at_image) {
        Ok(looked) => of_finding(&looked, &format!("the kernel in {name}"), None),
        Err(reason) => Verdict::cannot_tell(format!("{name}: {reason}")),
    }
}

/// What follows from the code of `kernel`; with the machine that runs it, and whether it is hooked.
fn of_finding(looked: &Looked, kernel: &str, running: Option<(&Machine, Option<bool>)>) -> Verdict {
    Verdict {
        zeroes_banks: looked.zeroes_banks,
        ..status_of(looked, kernel, running)
    }
}

fn status_of(looked: &Looked, kernel: &str, running: Option<(&Machine, Option<bool>)>) -> Verdict {
    let affected = |reason: String| Verdict::new(Status::Affected, reason, Check::Vulnerable);
    let place = match &looked.finding {
        Finding::Checks => {
            let reason = format!("{kernel} asks for SMCA before it writes MCA_DESTAT");
            return Verdict::new(Status::NotAffected, reason, Check::Checks);
        }
        Finding::NoWrite => {
            let reason = format!("{kernel} does not write MCA_DESTAT when it polls");
            return Verdict::new(Status::NotAffected, reason, Check::Absent);
        }
        Finding::NoPoll => {
            let reason = format!("{kernel} has no machine_check_poll(): it never polls");
            return Verdict::new(Status::NotAffected, reason, Check::Absent);
        }
        Finding::Unknown(reason) => return Verdict::cannot_tell(format!("{kernel}: {reason}")),
        Finding::Writes(place) => *place,
    };
    let writes = format!("{kernel} writes MCA_DESTAT without SMCA");
    match running {
        Some((machine, Some(false))) if machine.loaded() => affected(format!(
            "{writes}, and amd_mce_guard is loaded but NOT HOOKED: dmesg says why; \
             {STOP_GAP}"
        )),
        Some((_, None)) => {
            let mut verdict = Verdict::cannot_tell(format!(
                "{writes}, and amd_mce_guard is loaded; only root, with tracefs mounted, sees \
                 whether it is hooked"
            ));
            verdict.check = Check::Vulnerable;
            verdict
        }
        _ if !looked.traceable => affected(format!(
            "{writes}, and cannot be guarded, as it has no function tracer: {STOP_GAP}"
        )),
        _ if place == Place::Inlined => affected(format!(
            "{writes}, in machine_check_poll() itself, so that it cannot be guarded: {STOP_GAP}"
        )),
        _ if place == Place::NotHooked => affected(format!(
            "{writes}, in a function that the guard does not hook: {STOP_GAP}"
        )),
        _ if looked.prototype == Some(false) => affected(format!(
            "{writes}, and cannot be guarded, as its amd_clear_bank() takes no struct mce *: \
             {STOP_GAP}"
        )),
        _ => affected(format!(
            "{writes}: load amd_mce_guard (modprobe amd_mce_guard)"
        )),
    }
}

fn look_at_image(image: Image) -> Result<Looked, String> {
    let elf = image.kernel()?;
    let symbols = kallsyms::of_image(&elf)?;
    let finding = look(&Kernel {
        symbols: &symbols,
        memory: &elf,
        image: Some(&elf),
    });
    Ok(Looked::new(finding, &symbols, elf.section(".BTF")))
}

enum Answer {
    Looked(Looked),
    /// What the configuration says.
    Config(String),
}

/// The running kernel knows best, its configuration and its image come next.
fn look_at_running(machine: &Machine) -> Result<Answer, String> {
    if let Some(function) = machine.livepatched() {
        return Err(format!("{function}() is livepatched"));
    }
    let symbols = kallsyms::running(&machine.text("proc/kallsyms").unwrap_or_default());
    let complete = symbols.has("_stext") && symbols.len() >= 1000;
    if complete && !symbols.has("machine_check_poll") {
        let kernel = Kernel {
            symbols: &symbols,
            memory: &Nothing,
            image: None,
        };
        let looked = Looked::new(look(&kernel), &symbols, None);
        if looked.finding == Finding::NoPoll {
            return Ok(Answer::Looked(looked));
        }
    }
    let because = match look_at_memory(machine, &symbols, complete) {
        Ok(looked) => match looked.finding {
            Finding::Unknown(reason) => reason,
            _ => return Ok(Answer::Looked(looked)),
        },
        Err(reason) => reason,
    };
    let release = machine.release();
    if let Some((setting, file)) = machine.setting_off(release.as_deref().ok()) {
        // Another build of that release may have left its file.
        if file == RUNNING_CONFIG || !BUILT_WITH.iter().any(|name| symbols.has_variant(name)) {
            return Ok(Answer::Config(format!(
                "this kernel was built without {setting} ({file}), so it writes no MCA_DESTAT"
            )));
        }
    }
    let image = release.and_then(|release| find_image(machine, &release));
    match image.and_then(|(path, image)| {
        look_at_image(image).map_err(|reason| format!("{path}: {reason}"))
    }) {
        Ok(looked) => Ok(Answer::Looked(looked)),
        Err(reason) => Err(format!("{because}; {reason}")),
    }
}

/// Memory that nobody looks at.
struct Nothing;

impl crate::elf::Memory for Nothing {
    fn read(&self, _address: u64, _length: usize) -> Vec<u8> {
        Vec::new()
    }
}

fn look_at_memory(machine: &Machine, symbols: &Symbols, complete: bool) -> Result<Looked, String> {
    if !complete {
        return Err("/proc/kallsyms cannot be read, or is not complete".into());
    }
    if !symbols.has_addresses() {
        let restrict = machine
            .text("proc/sys/kernel/kptr_restrict")
            .unwrap_or_default();
        return Err(match restrict.as_str() {
            "2" => {
                "kernel.kptr_restrict=2 hides the addresses in /proc/kallsyms, from root too".into()
            }
            _ => {
                "run as root with CAP_SYSLOG, who alone sees the addresses in /proc/kallsyms".into()
            }
        });
    }
    let file = machine
        .open("proc/kcore")
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => "there is no /proc/kcore (CONFIG_PROC_KCORE)".into(),
            _ => {
                let lockdown = machine
                    .text("sys/kernel/security/lockdown")
                    .unwrap_or_default();
                if lockdown.contains("[confidentiality]") {
                    "lockdown=confidentiality closes /proc/kcore".into()
                } else {
                    format!("/proc/kcore: {error}")
                }
            }
        })?;
    let kcore = Kcore::new(file).map_err(|error| format!("/proc/kcore: {error}"))?;
    let finding = look(&Kernel {
        symbols,
        memory: &kcore,
        image: None,
    });
    let btf = machine.bytes("sys/kernel/btf/vmlinux").ok();
    Ok(Looked::new(finding, symbols, btf.as_deref()))
}

/// The image of the running kernel, where distributions keep it; by its banner, not by its name.
fn find_image(machine: &Machine, release: &str) -> Result<(String, Image), String> {
    let build = machine
        .build()
        .ok_or("/proc/version does not say which kernel runs")?;
    let mut others = Vec::new();
    for path in image_paths(machine, release) {
        if !machine.exists(&path) {
            continue;
        }
        match Image::open(&machine.path(&path)) {
            Ok(image) if image.build.as_ref() == Some(&build) => {
                return Ok((format!("/{path}"), image));
            }
            Ok(_) if path.contains(release) => others.push(format!(
                "/{path} is not the kernel that runs (an upgrade has replaced it?): reboot, or run \
                 as root"
            )),
            Err(reason) if path.contains(release) => others.push(format!("/{path}: {reason}")),
            _ => (),
        }
    }
    Err(others
        .into_iter()
        .next()
        .unwrap_or_else(|| format!("no image of {release} is found: pass --image FILE")))
}

fn image_paths(machine: &Machine, release: &str) -> Vec<String> {
    let mut paths: Vec<String> = ["vmlinuz", "vmlinux", "kernel"]
        .iter()
        .map(|name| format!("boot/{name}-{release}"))
        .collect();
    for modules in ["usr/lib/modules", "lib/modules"] {
        for name in ["vmlinuz", "vmlinux"] {
            paths.push(format!("{modules}/{release}/{name}"));
        }
    }
    for boot in ["boot", "efi", "boot/efi"] {
        for entry in machine.list(boot) {
            paths.push(format!("{boot}/{entry}/{release}/linux"));
        }
        let unified = format!("{boot}/EFI/Linux");
        let names = machine
            .list(&unified)
            .into_iter()
            .filter(|name| name.ends_with(".efi"));
        paths.extend(names.map(|name| format!("{unified}/{name}")));
    }
    for tree in machine.list("boot/ostree") {
        paths.push(format!("boot/ostree/{tree}/vmlinuz-{release}"));
    }
    // Whatever else is there may be the one; it may as well be another.
    let rest = machine
        .list("boot")
        .into_iter()
        .filter(|name| name.starts_with("vmlinuz"));
    paths.extend(rest.map(|name| format!("boot/{name}")));
    paths.push("run/booted-system/kernel".into());
    paths
}
