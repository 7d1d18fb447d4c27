// SPDX-License-Identifier: GPL-2.0

//! ELF files of x86-64: what they load where, and their table of symbols if they have one.

use crate::kallsyms::MAX_SYMBOLS;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Code and data by address.
pub trait Memory {
    /// The bytes from `address` on; fewer than asked for where there are no more, maybe none.
    fn read(&self, address: u64, length: usize) -> Vec<u8>;
}

/// A part of the file that is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub address: u64,
    pub offset: u64,
    pub size: u64,
    pub executable: bool,
}

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;
const MAX_HEADERS: u16 = 4096;
/// /proc/kcore has some megabytes in one piece, but never more than that is of use.
const MAX_READ: usize = 1 << 20;

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length]
        .iter()
        .rev()
        .fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

/// What an ELF header says: how many headers of which kind are where.
struct Header {
    program: (u64, u16),
    section: (u64, u16),
    /// Which section has the sections' names.
    names: usize,
}

fn header(bytes: &[u8]) -> Result<Header, String> {
    if bytes.len() < HEADER || !bytes.starts_with(b"\x7fELF") {
        return Err("it is not an ELF file".into());
    }
    // 64 bits, little-endian, x86-64.
    if bytes[4] != 2 || bytes[5] != 1 || number(bytes, 18, 2) != 62 {
        return Err("it is not an ELF file of x86-64".into());
    }
    let of = |offset, size, length, count| {
        let count = number(bytes, count, 2) as u16;
        if count > 0 && (number(bytes, size, 2) as usize != length || count > MAX_HEADERS) {
            return Err("its ELF header is damaged".to_string());
        }
        Ok((number(bytes, offset, 8), count))
    };
    Ok(Header {
        program: of(32, 54, PROGRAM_HEADER, 56)?,
        section: of(40, 58, SECTION_HEADER, 60)?,
        names: number(bytes, 62, 2) as usize,
    })
}

/// The loaded parts that these program headers list.
fn segments(headers: &[u8]) -> Vec<Segment> {
    headers
        .chunks_exact(PROGRAM_HEADER)
        .filter(|header| number(header, 0, 4) == 1)
        .map(|header| Segment {
            executable: number(header, 4, 4) & 1 != 0,
            offset: number(header, 8, 8),
            address: number(header, 16, 8),
            size: number(header, 32, 8),
        })
        .collect()
}

/// Where in the file `address` is, and how many bytes follow there.
fn locate(segments: &[Segment], address: u64) -> Option<(u64, u64)> {
    segments.iter().find_map(|segment| {
        let inside = address.checked_sub(segment.address)?;
        let left = segment.size.checked_sub(inside).filter(|left| *left > 0)?;
        Some((segment.offset.checked_add(inside)?, left))
    })
}

/// An ELF file, read whole.
pub struct Elf {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    sections: (u64, u16),
    names: usize,
}

impl Elf {
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let header = header(&bytes)?;
        let (offset, count) = header.program;
        let segments = table(&bytes, offset, usize::from(count) * PROGRAM_HEADER)
            .map(segments)
            .filter(|segments| !segments.is_empty())
            .ok_or("its ELF program headers are cut off")?;
        // None of them is loaded twice.
        let mut all = 0u64;
        for segment in &segments {
            let end = segment.offset.checked_add(segment.size);
            all = all.saturating_add(segment.size);
            if end.is_none_or(|end| end.max(all) > bytes.len() as u64) {
                return Err("it is cut off, or its ELF program headers are damaged".into());
            }
        }
        Ok(Self {
            bytes,
            segments,
            sections: header.section,
            names: header.names,
        })
    }

    /// Where the kernel's code starts, which its symbol _text names.
    pub fn text(&self) -> Option<u64> {
        self.segments
            .iter()
            .find(|segment| segment.executable)
            .map(|segment| segment.address)
    }

    /// All loaded parts, each with its address.
    pub fn loaded(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.segments.iter().map(|segment| {
            let from = segment.offset as usize;
            (
                segment.address,
                &self.bytes[from..from + segment.size as usize],
            )
        })
    }

    /// The headers of the sections.
    fn sections(&self) -> Vec<&[u8]> {
        let (offset, count) = self.sections;
        let headers =
            table(&self.bytes, offset, usize::from(count) * SECTION_HEADER).unwrap_or(&[]);
        headers.chunks_exact(SECTION_HEADER).collect()
    }

    /// What is in the section with that header.
    fn content(&self, section: &[u8]) -> Option<&[u8]> {
        let size = number(section, 32, 8).try_into().ok()?;
        table(&self.bytes, number(section, 24, 8), size)
    }

    /// What is in the section called `name`.
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        let sections = self.sections();
        let names = self.content(sections.get(self.names)?)?;
        let section = sections.iter().find(|section| {
            let found = names.get(number(section, 0, 4) as usize..).unwrap_or(&[]);
            found.starts_with(name.as_bytes()) && found.get(name.len()) == Some(&0)
        })?;
        self.content(section)
    }

    /// The ordinary table of symbols, which a plain vmlinux may have.
    pub fn symbols(&self) -> Vec<(String, u64)> {
        let sections = self.sections();
        let content = |section: &[u8]| self.content(section);
        let Some(symbols) = sections.iter().find(|section| number(section, 4, 4) == 2) else {
            return Vec::new();
        };
        let names = sections
            .get(number(symbols, 40, 4) as usize)
            .and_then(|names| content(names));
        let (Some(entries), Some(names)) = (content(symbols), names) else {
            return Vec::new();
        };
        entries
            .chunks_exact(24)
            .take(MAX_SYMBOLS)
            // Neither sections' nor files', nor what is not defined here.
            .filter(|entry| entry[4] & 0xf < 3 && number(entry, 6, 2) != 0)
            .filter_map(|entry| {
                let name = names.get(number(entry, 0, 4) as usize..)?;
                let name = &name[..name.iter().take(512).position(|byte| *byte == 0)?];
                let name = std::str::from_utf8(name).ok()?;
                (!name.is_empty()).then(|| (name.to_string(), number(entry, 8, 8)))
            })
            .collect()
    }
}

impl Memory for Elf {
    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        let Some((offset, left)) = locate(&self.segments, address) else {
            return Vec::new();
        };
        let length = length.min(left as usize);
        table(&self.bytes, offset, length).unwrap_or(&[]).to_vec()
    }
}

/// So many bytes from there, if there are so many.
fn table(bytes: &[u8], offset: u64, length: usize) -> Option<&[u8]> {
    let offset = usize::try_from(offset).ok()?;
    bytes.get(offset..offset.checked_add(length)?)
}

/// The running kernel's memory, as /proc/kcore has it.
pub struct Kcore {
    file: File,
    segments: Vec<Segment>,
}

impl Kcore {
    pub fn new(file: File) -> Result<Self, String> {
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, 0)
            .map_err(|error| error.to_string())?;
        let (offset, count) = header(&bytes)?.program;
        let mut headers = vec![0; usize::from(count) * PROGRAM_HEADER];
        file.read_exact_at(&mut headers, offset)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            file,
            segments: segments(&headers),
        })
    }
}

impl Memory for Kcore {
    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        let Some((offset, left)) = locate(&self.segments, address) else {
            return Vec::new();
        };
        let mut bytes = vec![0; length.min(MAX_READ).min(left as usize)];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made;

    fn refusal(bytes: Vec<u8>) -> String {
        Elf::new(bytes).err().unwrap_or_else(|| "it is read".into())
    }

    #[test]
    fn what_is_loaded_is_read() {
        let elf = Elf::new(made::elf(&[
            (0x1000, true, b"code"),
            (0x2000, false, b"data"),
        ]))
        .unwrap();
        assert_eq!(elf.text(), Some(0x1000));
        assert_eq!(elf.read(0x2001, 2), b"at");
        assert_eq!(elf.read(0x2001, 100), b"ata");
        assert_eq!(elf.read(0x1004, 1), b"");
        assert_eq!(elf.read(u64::MAX, 1), b"");
    }

    #[test]
    fn what_is_no_kernel_is_refused() {
        let elf = made::elf(&[(0x1000, true, b"code")]);
        assert!(refusal(b"no".to_vec()).contains("not an ELF file"));
        assert!(refusal(elf[..elf.len() - 1].to_vec()).contains("cut off"));
        assert!(refusal(elf[..70].to_vec()).contains("cut off"));
        let with = |at: usize, value: &[u8]| {
            let mut elf = elf.clone();
            elf[at..at + value.len()].copy_from_slice(value);
            refusal(elf)
        };
        assert!(with(18, &[183]).contains("x86-64"));
        assert!(with(56, &[0xff, 0xff]).contains("damaged"));
        assert!(with(54, &[55]).contains("damaged"));
        // A part as large as nothing can be, and one that ends behind all addresses.
        assert!(with(64 + 32, &[0xff; 8]).contains("damaged"));
        assert!(with(64 + 8, &[0xff; 8]).contains("damaged"));
    }
}
