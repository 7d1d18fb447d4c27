// SPDX-License-Identifier: GPL-2.0

//! What is packed, by the unpackers that the system has: their time and their output are bounded.

use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// No kernel is larger.
pub const MAX_SIZE: usize = 512 << 20;
const MAX_TIME: Duration = Duration::from_secs(60);
const MAX_MESSAGE: u64 = 4096;

/// A way of packing.
#[derive(Debug, Eq, PartialEq)]
pub struct Packing {
    magic: &'static [u8],
    command: &'static [&'static str],
    /// Debian's package of it.
    package: &'static str,
    /// Whether the kernel's build appends the size; gzip has its own.
    pub size_appended: bool,
}

const fn packing(
    magic: &'static [u8],
    command: &'static [&'static str],
    package: &'static str,
) -> Packing {
    Packing {
        magic,
        command,
        package,
        size_appended: true,
    }
}

pub const GZIP: Packing = Packing {
    size_appended: false,
    ..packing(b"\x1f\x8b", &["gzip", "-dc"], "gzip")
};

/// All that the kernel offers for its image on x86.
const PACKINGS: [Packing; 7] = [
    GZIP,
    packing(
        b"\x28\xb5\x2f\xfd",
        &["zstd", "-dc", "-q", "--memory=512MB"],
        "zstd",
    ),
    packing(
        b"\xfd7zXZ\0",
        &["xz", "-dc", "--memlimit=512MiB"],
        "xz-utils",
    ),
    packing(b"\x02\x21\x4c\x18", &["lz4", "-dc"], "lz4"),
    packing(b"BZh", &["bzip2", "-dc"], "bzip2"),
    packing(b"\x89LZO", &["lzop", "-dc"], "lzop"),
    packing(
        b"\x5d\0\0",
        &["xz", "-dc", "--format=lzma", "--memlimit=512MiB"],
        "xz-utils",
    ),
];

/// How that is packed, by how it starts.
pub fn packing_of(bytes: &[u8]) -> Option<&'static Packing> {
    PACKINGS
        .iter()
        .find(|packing| bytes.starts_with(packing.magic))
}

/// Unpacks to no more than `limit` bytes.
pub fn unpack(packing: &Packing, packed: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    run(
        packing.command,
        packing.package,
        packed,
        limit.min(MAX_SIZE),
        MAX_TIME,
    )
}

fn run(
    command: &[&str],
    package: &str,
    input: &[u8],
    limit: usize,
    time: Duration,
) -> Result<Vec<u8>, String> {
    let name = command[0];
    let mut child = Command::new(name)
        .args(&command[1..])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("{name} is not installed (Debian's package {package})"),
            _ => format!("{name} cannot be run: {error}"),
        })?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();

    thread::scope(|scope| {
        scope.spawn(move || {
            // An unpacker that has failed does not read on; it says itself why.
            let _ = stdin.map(|mut pipe| pipe.write_all(input));
        });
        let output = scope.spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.map(|pipe| pipe.take(limit as u64 + 1).read_to_end(&mut bytes));
            (bytes, read.is_none_or(|read| read.is_err()))
        });
        let message = scope.spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.map(|pipe| pipe.take(MAX_MESSAGE).read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes)
                .lines()
                .next()
                .unwrap_or("")
                .to_string()
        });
        let deadline = Instant::now() + time;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break Err(format!("{name} did not end within {} s", time.as_secs()));
                }
                Err(error) => break Err(format!("{name} cannot be waited for: {error}")),
            }
        };
        let (bytes, unread) = output.join().map_err(|_| "out of memory".to_string())?;
        let message = message.join().unwrap_or_default();
        let status = status?;
        if bytes.len() > limit {
            return Err(format!(
                "{name} unpacks more than the {limit} bytes there should be"
            ));
        }
        if !status.success() || unread {
            let message = if message.is_empty() {
                status.to_string()
            } else {
                message
            };
            return Err(format!(
                "{name} fails: {}",
                message.replace(&format!("{name}: "), "")
            ));
        }
        Ok(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: usize, time: Duration) -> Result<Vec<u8>, String> {
        run(&["sh", "-c", script], "dash", b"input", limit, time)
    }

    #[test]
    fn output_comes_back() {
        assert_eq!(sh("cat", 5, MAX_TIME), Ok(b"input".to_vec()));
    }

    #[test]
    fn output_is_bounded() {
        let error = sh("yes", 1 << 20, MAX_TIME).unwrap_err();
        assert_eq!(
            error,
            "sh unpacks more than the 1048576 bytes there should be"
        );
    }

    #[test]
    fn time_is_bounded() {
        let error = sh("exec sleep 100", 9, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error, "sh did not end within 0 s");
    }

    #[test]
    fn a_failure_is_said_in_the_unpackers_words() {
        assert_eq!(
            sh("echo sh: bad >&2; exit 1", 9, MAX_TIME),
            Err("sh fails: bad".into())
        );
        assert_eq!(
            sh("exit 3", 9, MAX_TIME),
            Err("sh fails: exit status: 3".into())
        );
    }

    #[test]
    fn a_missing_unpacker_is_named_with_its_package() {
        let error = run(&["no-such-tool"], "a-package", b"", 9, MAX_TIME).unwrap_err();
        assert_eq!(
            error,
            "no-such-tool is not installed (Debian's package a-package)"
        );
    }

    #[test]
    fn rubbish_is_not_packed() {
        assert_eq!(packing_of(b"rubbish"), None);
    }
}
