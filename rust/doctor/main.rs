// SPDX-License-Identifier: GPL-2.0

//! Is this machine affected by what amd_mce_guard is for, is it protected, and does it survive its
//! next boot? Looks, and changes nothing. As root it sees more.
//!
//! `verdict` decides: by what `machine` says of the CPU and of the guard, and by what `code` finds
//! in the kernel, read from memory or from an `image`. `boot` goes on from there.

#![forbid(unsafe_code)]

mod boot;
mod btf;
mod code;
mod decode;
mod elf;
mod image;
mod kallsyms;
mod machine;
#[cfg(test)]
mod made;
mod report;
mod unpack;
mod verdict;

use std::env;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use verdict::Status;

const USAGE: &str = "\
Usage: amd-mce-guard-doctor [--json] [--image FILE] [--root DIR]

  --json        the answer as one JSON object
  --image FILE  judge the kernel in FILE, for an AMD CPU without SMCA
  --root DIR    look at the proc, sys, boot, etc and usr below DIR

Exit status: 0 protected or not affected, 1 affected, 2 cannot tell.
";
const CANNOT_TELL: u8 = 2;

fn main() -> ExitCode {
    let (mut json, mut image, mut root) = (false, None, PathBuf::from("/"));
    let mut arguments = env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let mut file = || arguments.next().map(PathBuf::from);
        match argument.to_str() {
            Some("--json") => json = true,
            Some("--image") => match file() {
                Some(file) => image = Some(file),
                None => return refuse("--image wants a file"),
            },
            Some("--root") => match file() {
                Some(directory) => root = directory,
                None => return refuse("--root wants a directory"),
            },
            Some("--help") => {
                print(USAGE);
                return ExitCode::SUCCESS;
            }
            _ => return refuse(&format!("there is no {}", argument.to_string_lossy())),
        }
    }
    let machine = machine::Machine::new(&root);
    let verdict = verdict::verdict(&machine, image.as_deref());
    let boot = boot::next_boot(&machine, &verdict);
    print(&report::report(
        &machine,
        image.as_deref(),
        &verdict,
        &boot,
        json,
    ));
    match verdict.status {
        Status::Protected | Status::NotAffected => ExitCode::SUCCESS,
        Status::Affected => ExitCode::from(1),
        Status::CannotTell => ExitCode::from(CANNOT_TELL),
    }
}

fn refuse(reason: &str) -> ExitCode {
    eprint!("amd-mce-guard-doctor: {reason}\n{USAGE}");
    ExitCode::from(CANNOT_TELL)
}

/// Whoever reads may stop doing so: what counts is the exit status.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
