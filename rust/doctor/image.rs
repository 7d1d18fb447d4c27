// SPDX-License-Identifier: GPL-2.0

//! Files with a kernel in them: bzImage, ELF, and unified kernel images, which hold a bzImage.

use crate::elf::Elf;
use crate::unpack::packing_of;
use crate::unpack::unpack;
use crate::unpack::MAX_SIZE;
use std::fs;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Which build of which release a kernel is: "6.19.8" and "#1 SMP ... <date>".
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Build {
    pub release: String,
    pub build: String,
}

impl Build {
    /// From /proc/version, or the same of an image: in its boot header "Linux version" is left out.
    pub fn parse(banner: &str) -> Option<Self> {
        let banner = banner.trim();
        let words = banner.strip_prefix("Linux version ").unwrap_or(banner);
        let (release, _) = words.split_once(' ')?;
        let (_, build) = words.split_once(" #")?;
        Some(Self {
            release: release.into(),
            build: format!("#{}", build.trim()),
        })
    }
}

/// A kernel in a file.
pub struct Image {
    pub build: Option<Build>,
    content: Content,
}

enum Content {
    Elf(Vec<u8>),
    Packed(Vec<u8>),
}

impl Image {
    /// Reads it; what is packed stays so.
    pub fn open(path: &Path) -> Result<Self, String> {
        let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
        // To open or read anything else might take for ever.
        if !metadata.is_file() {
            return Err("it is no file".into());
        }
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        file.take(MAX_SIZE as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        if bytes.len() > MAX_SIZE {
            return Err("it is too large for a kernel".into());
        }
        Self::new(bytes)
    }

    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.starts_with(b"\x7fELF") {
            return Ok(Self {
                build: banner(&bytes),
                content: Content::Elf(bytes),
            });
        }
        if is_bz_image(&bytes) {
            return Self::of_bz_image(&bytes);
        }
        match unified(&bytes)? {
            Some(kernel) if is_bz_image(kernel) => Self::of_bz_image(kernel),
            Some(_) => Err("its section .linux is not a bzImage".into()),
            None => Err("it is not a bzImage, ELF file or unified kernel image".into()),
        }
    }

    /// Where the kernel is, and how long, the boot protocol says (2.08 and later).
    fn of_bz_image(bytes: &[u8]) -> Result<Self, String> {
        let cut_off = || "the image is cut off, or its header is damaged".to_string();
        if number(bytes, 0x206, 2).ok_or_else(cut_off)? < 0x208 {
            return Err("its boot protocol is older than 2.08".into());
        }
        let sectors = match number(bytes, 0x1f1, 1).ok_or_else(cut_off)? {
            0 => 4,
            sectors => sectors,
        };
        let offset = number(bytes, 0x248, 4).ok_or_else(cut_off)?;
        let start = (sectors + 1) * 512 + offset;
        let length = number(bytes, 0x24c, 4).ok_or_else(cut_off)?;
        let payload = bytes
            .get(start..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(cut_off)?;

        let version = number(bytes, 0x20e, 2).filter(|offset| *offset != 0);
        let version = version.and_then(|offset| text(bytes.get(0x200 + offset..)?));
        let content = if payload.starts_with(b"\x7fELF") {
            Content::Elf
        } else {
            Content::Packed
        };
        Ok(Self {
            build: version.and_then(|version| Build::parse(&version)),
            content: content(payload.to_vec()),
        })
    }

    /// The kernel itself.
    pub fn kernel(self) -> Result<Elf, String> {
        let packed = match self.content {
            Content::Elf(bytes) => return Elf::new(bytes),
            Content::Packed(bytes) => bytes,
        };
        let packing = packing_of(&packed).ok_or("it is packed in a way that is not known here")?;
        // Behind what is packed is its size; gzip's has the same at its end.
        let split = packed.len().checked_sub(4).ok_or("the image is cut off")?;
        let size = number(&packed, split, 4).unwrap_or(0);
        let stream = if packing.size_appended {
            &packed[..split]
        } else {
            &packed
        };
        if size > MAX_SIZE {
            return Err(format!(
                "its kernel would unpack to {size} bytes, too large for one"
            ));
        }
        let kernel = unpack(packing, stream, size)?;
        if kernel.len() != size {
            return Err(format!("its kernel has {} bytes, not {size}", kernel.len()));
        }
        Elf::new(kernel)
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.get(..length)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |value, byte| (value << 8) | usize::from(*byte)),
    )
}

/// A string that ends with a zero byte or a newline.
fn text(bytes: &[u8]) -> Option<String> {
    let length = bytes
        .iter()
        .take(1024)
        .position(|byte| matches!(byte, 0 | b'\n'))?;
    String::from_utf8(bytes[..length].to_vec()).ok()
}

fn is_bz_image(bytes: &[u8]) -> bool {
    bytes.get(0x202..0x206) == Some(b"HdrS")
}

/// The banner of an ELF file, which it prints when it boots.
fn banner(bytes: &[u8]) -> Option<Build> {
    const START: &[u8] = b"Linux version ";
    let mut at = 0;
    loop {
        at += bytes
            .get(at..)?
            .windows(START.len())
            .position(|window| window == START)?;
        if bytes.get(at + START.len()).is_some_and(u8::is_ascii_digit) {
            if let Some(build) = text(&bytes[at..]).and_then(|banner| Build::parse(&banner)) {
                return Some(build);
            }
        }
        at += 1;
    }
}

/// The section .linux of a PE file that has one.
fn unified(bytes: &[u8]) -> Result<Option<&[u8]>, String> {
    if !bytes.starts_with(b"MZ") {
        return Ok(None);
    }
    let header = number(bytes, 0x3c, 4).filter(|at| bytes.get(*at..*at + 4) == Some(b"PE\0\0"));
    let Some(header) = header else {
        return Ok(None);
    };
    let sections = number(bytes, header + 6, 2).unwrap_or(0);
    let table = header + 24 + number(bytes, header + 20, 2).unwrap_or(0);
    for section in (0..sections).map(|i| table + 40 * i) {
        if bytes.get(section..section + 8) == Some(b".linux\0\0") {
            // What the file has of it may be more than is loaded, to fill a block.
            let found = number(bytes, section + 20, 4).and_then(|start| {
                let size = number(bytes, section + 16, 4)?;
                bytes.get(start..)?.get(..size)
            });
            return found
                .map(Some)
                .ok_or_else(|| "the image is cut off in .linux".into());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::look;
    use crate::code::Finding;
    use crate::code::Kernel;
    use crate::code::Place;
    use crate::kallsyms;
    use crate::made;
    use crate::made::Addresses;
    use crate::made::Random;

    const WRITES: Finding = Finding::Writes(Place::Hooked);

    fn judge(bytes: Vec<u8>) -> Result<Finding, String> {
        let elf = Image::new(bytes)?.kernel()?;
        let symbols = kallsyms::of_image(&elf)?;
        Ok(look(&Kernel {
            symbols: &symbols,
            memory: &elf,
            image: Some(&elf),
        }))
    }

    fn kernel() -> Vec<u8> {
        made::vulnerable(Addresses::Here)
    }

    fn refusal(bytes: Vec<u8>) -> String {
        judge(bytes).expect_err("it is refused")
    }

    /// How the kernel's build packs.
    const PACKERS: [&[&str]; 7] = [
        &["gzip", "-n", "-f", "-9"],
        &["bzip2", "-9"],
        &["xz", "--check=crc32", "--x86", "--lzma2=dict=128MiB"],
        &["lzma", "-9"],
        &["lzop", "-9"],
        &["lz4", "-l", "-9"],
        &["zstd", "-22", "--ultra"],
    ];

    #[test]
    fn each_packing_is_read() {
        for packer in PACKERS {
            let image = made::packed_image(packer, &kernel());
            assert_eq!(judge(image), Ok(WRITES), "{packer:?}");
        }
    }

    #[test]
    fn each_kind_of_file_is_read() {
        let image = made::packed_image(PACKERS[0], &kernel());
        for bytes in [
            kernel(),
            made::bz_image(&kernel()),
            made::unified(&image),
            image,
        ] {
            assert_eq!(judge(bytes.clone()), Ok(WRITES));
            assert_eq!(Image::new(bytes).unwrap().build, Build::parse(made::BANNER));
        }
    }

    #[test]
    fn a_build_is_its_release_and_what_comes_behind_the_compiler() {
        let header = "6.19.8-made (me@here) #1 SMP PREEMPT_DYNAMIC Thu Jan  1 00:00:00 1970";
        assert_eq!(Build::parse(header), Build::parse(made::BANNER));
        assert_ne!(
            Build::parse(header),
            Build::parse(&header.replace("#1", "#2"))
        );
        assert_ne!(
            Build::parse(header),
            Build::parse(&header.replace("6.19.8", "6.19.9"))
        );
        assert_eq!(Build::parse("nonsense"), None);
    }

    #[test]
    fn what_is_damaged_is_refused_with_the_reason() {
        let image = made::packed_image(PACKERS[6], &kernel());
        assert!(refusal(image[..0x210].to_vec()).contains("cut off"));
        assert!(refusal(image[..image.len() - 100].to_vec()).contains("cut off"));
        assert!(refusal(b"nothing".to_vec()).contains("it is not a bzImage"));
        assert!(refusal(made::unified(b"nothing")).contains(".linux is not a bzImage"));
        let unified = made::unified(&image);
        assert!(refusal(unified[..unified.len() - 1].to_vec()).contains("cut off in .linux"));
        assert!(refusal(made::bz_image(b"something else")).contains("not known here"));
        assert!(refusal(made::bz_image(b"")).contains("not known here"));
    }

    #[test]
    fn an_unpackers_own_failure_is_said() {
        for packer in PACKERS {
            let mut image = made::packed_image(packer, &kernel());
            for byte in &mut image[(4 + 1) * 512 + 100 + 60..][..200] {
                *byte ^= 0x55;
            }
            let reason = refusal(image);
            let name = packer[0].replace("lzma", "xz");
            assert!(
                reason.starts_with(&format!("{name} ")),
                "{packer:?}: {reason}"
            );
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut payload = made::pack(&["zstd"], &vec![0; 64 << 20]);
        payload.extend(4096u32.to_le_bytes());
        assert!(refusal(made::bz_image(&payload)).contains("more than the 4096 bytes"));
        payload.truncate(payload.len() - 4);
        payload.extend(((64u32 << 20) + 1).to_le_bytes());
        assert!(refusal(made::bz_image(&payload)).contains("bytes, not 67108865"));
        payload.truncate(payload.len() - 4);
        payload.extend(u32::MAX.to_le_bytes());
        assert!(refusal(made::bz_image(&payload)).contains("too large"));
    }

    /// Damage of `image`, so many times: nothing of it may be taken for a kernel to rely on.
    fn survives(image: &[u8], runs: usize, start: usize, end: usize) {
        let mut random = Random::new();
        for run in 0..runs {
            let mut damaged = image.to_vec();
            match run % 4 {
                0 => damaged.truncate(random.below(image.len())),
                _ => {
                    for _ in 0..1 + random.below(8) {
                        damaged[start + random.below(end - start)] = random.next() as u8;
                    }
                }
            }
            let answer = judge(damaged);
            assert!(
                !matches!(
                    answer,
                    Ok(Finding::Checks | Finding::NoWrite | Finding::NoPoll)
                ),
                "run {run}: {answer:?}"
            );
        }
    }

    #[test]
    fn damaged_made_images_are_not_relied_on() {
        // Whatever is packed has a checksum; lzma has none.
        for packer in PACKERS.into_iter().filter(|packer| packer[0] != "lzma") {
            let image = made::packed_image(packer, &kernel());
            survives(&image, 100, 0x1f0, image.len());
        }
        // Of what is not packed the headers can be.
        survives(&kernel(), 20_000, 0, 64 + 2 * 56);
        let unified = made::unified(&made::bz_image(&kernel()));
        survives(&unified, 20_000, 0, 0x1000 + 5 * 512);
    }

    /// Of the kernel that the lab tests with, which IMAGE names.
    #[test]
    fn a_damaged_kernel_is_not_relied_on() {
        if let Ok(path) = std::env::var("IMAGE") {
            let image = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            survives(&image, 30, 0x1f0, 0x600);
            survives(&image, 40, 0, image.len());
        }
    }
}
