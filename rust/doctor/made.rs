// SPDX-License-Identifier: GPL-2.0

//! Small kernels and images for the tests.

use std::io::Write;
use std::process::Command;
use std::process::Stdio;

pub const TEXT: u64 = 0xffff_ffff_8100_0000;
pub const RODATA: u64 = 0xffff_ffff_8200_0000;
pub const DATA: u64 = 0xffff_ffff_8300_0000;
/// So far apart functions are.
pub const STEP: u64 = 64;
pub const BANNER: &str =
    "Linux version 6.19.8-made (me@here) (gcc 14) #1 SMP PREEMPT_DYNAMIC Thu Jan  1 00:00:00 1970";
const FILLERS: usize = 1200;

/// How a table of symbols says addresses.
#[derive(Clone, Copy, Debug)]
pub enum Addresses {
    /// From where each number stands; 7.1.
    Here,
    /// From an address upwards; 6.15.
    Up,
    /// From an address downwards, those of per-CPU data as they are; 6.4.
    Down,
    /// The same in front of the names, and their order behind the markers; 6.2.
    InFront,
}

pub const ALL_ADDRESSES: [Addresses; 4] = [
    Addresses::Here,
    Addresses::Up,
    Addresses::Down,
    Addresses::InFront,
];

/// Where the function that is the `i`th in [`vmlinux`] starts.
pub fn function(i: usize) -> u64 {
    TEXT + STEP * i as u64
}

/// A call or jump (`opcode`) at `from` to `to`.
pub fn go(opcode: u8, from: u64, to: u64) -> Vec<u8> {
    let mut code = vec![opcode];
    code.extend((to.wrapping_sub(from + 5) as u32).to_le_bytes());
    code
}

fn pad(bytes: &mut Vec<u8>, align: usize) {
    bytes.resize(bytes.len().next_multiple_of(align), 0);
}

/// The tables of /proc/kallsyms for those symbols, as they stand at [`RODATA`].
fn kallsyms(symbols: &[(String, u64)], form: Addresses) -> Vec<u8> {
    let numbers = |at: usize| -> Vec<u8> {
        let numbers = symbols
            .iter()
            .enumerate()
            .map(|(i, (_, address))| match form {
                Addresses::Here => address.wrapping_sub(RODATA + (at + 4 * i) as u64) as u32,
                Addresses::Up => address.wrapping_sub(TEXT) as u32,
                _ if *address < TEXT => *address as u32,
                _ => (TEXT.wrapping_sub(1).wrapping_sub(*address)) as u32,
            });
        numbers.flat_map(u32::to_le_bytes).collect()
    };
    let mut table = BANNER.as_bytes().to_vec();
    table.extend(b"\n\0");
    pad(&mut table, 8);
    if let Addresses::InFront = form {
        table.extend(numbers(0));
        pad(&mut table, 8);
        table.extend(TEXT.to_le_bytes());
    }
    table.extend((symbols.len() as u32).to_le_bytes());
    pad(&mut table, 8);
    let (start, mut markers) = (table.len(), Vec::new());
    for (i, (name, _)) in symbols.iter().enumerate() {
        if i % 256 == 0 {
            markers.extend(((table.len() - start) as u32).to_le_bytes());
        }
        let name = format!("T{name}");
        table.push(name.len() as u8);
        table.extend(name.bytes());
    }
    pad(&mut table, 8);
    table.extend(markers);
    if let Addresses::InFront = form {
        table.extend((0..symbols.len()).flat_map(|i| [0, (i >> 8) as u8, i as u8]));
    }
    pad(&mut table, 8);
    let mut index = Vec::new();
    let tokens = table.len();
    for token in 0..=255u8 {
        index.extend(((table.len() - tokens) as u16).to_le_bytes());
        if token.is_ascii_graphic() {
            table.push(token);
        }
        table.push(0);
    }
    pad(&mut table, 8);
    table.extend(index);
    if !matches!(form, Addresses::InFront) {
        table.extend(numbers(table.len()));
    }
    table
}

/// A kernel with these functions, the first of which is called _text, too, and these variables.
pub fn vmlinux(
    functions: &[(&str, Vec<u8>)],
    variables: &[(&str, u64)],
    form: Addresses,
) -> Vec<u8> {
    let mut code = Vec::new();
    let mut symbols = vec![("_text".to_string(), TEXT), ("_stext".to_string(), TEXT)];
    symbols.push(("per_cpu_data".into(), 0x1000));
    for (i, (name, body)) in functions.iter().enumerate() {
        symbols.push((name.to_string(), function(i)));
        code.extend(body);
        assert!(code.len() as u64 <= STEP * (i as u64 + 1));
        code.resize((STEP as usize) * (i + 1), 0xcc);
    }
    for i in 0..FILLERS {
        symbols.push((format!("filler_{i}"), TEXT + code.len() as u64));
        code.push(0xc3);
    }
    if let Addresses::Up = form {
        symbols.retain(|(_, address)| *address >= TEXT);
    }
    symbols.extend(
        variables
            .iter()
            .map(|(name, address)| (name.to_string(), *address)),
    );
    elf(&[
        (TEXT, true, &code),
        (RODATA, false, &kallsyms(&symbols, form)),
    ])
}

/// An ELF file of these parts.
pub fn elf(parts: &[(u64, bool, &[u8])]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    file.extend([0; 8]);
    file.extend(64u64.to_le_bytes());
    file.extend([0; 12]);
    file.extend([64, 0, 56, 0, parts.len() as u8, 0, 64, 0, 0, 0, 0, 0]);
    let mut offset = 64 + 56 * parts.len() as u64;
    for (address, executable, bytes) in parts {
        file.extend([1, 0, 0, 0, if *executable { 5 } else { 4 }, 0, 0, 0]);
        let size = bytes.len() as u64;
        for number in [offset, *address, *address, size, size, 1] {
            file.extend(number.to_le_bytes());
        }
        offset += size;
    }
    for (_, _, bytes) in parts {
        file.extend(*bytes);
    }
    file
}

/// What a command makes of that.
pub fn pack(command: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command[0]));
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", command[0]);
    output.stdout
}

/// A bzImage with that in it.
pub fn bz_image(payload: &[u8]) -> Vec<u8> {
    const SECTORS: usize = 4;
    const OFFSET: usize = 100;
    let mut image = vec![0; (SECTORS + 1) * 512 + OFFSET];
    image[..2].copy_from_slice(b"MZ");
    image[0x1f1] = SECTORS as u8;
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&[0x0f, 2]);
    image[0x20e..0x210].copy_from_slice(&0x200u16.to_le_bytes());
    image[0x248..0x24c].copy_from_slice(&(OFFSET as u32).to_le_bytes());
    image[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    let version = BANNER
        .strip_prefix("Linux version ")
        .unwrap()
        .replace("(gcc 14) ", "");
    image[0x400..0x400 + version.len()].copy_from_slice(version.as_bytes());
    image.extend(payload);
    image.extend(b"what comes behind the payload");
    image
}

/// A bzImage of a kernel packed by a command, with the size behind it unless gzip does that.
pub fn packed_image(command: &[&str], kernel: &[u8]) -> Vec<u8> {
    let mut payload = pack(command, kernel);
    if command[0] != "gzip" {
        payload.extend((kernel.len() as u32).to_le_bytes());
    }
    bz_image(&payload)
}

/// A unified kernel image with that in section .linux.
pub fn unified(kernel: &[u8]) -> Vec<u8> {
    const PE: usize = 0x80;
    const OPTIONAL: usize = 0xf0;
    const START: usize = 0x1000;
    let mut image = vec![0; START];
    image[..2].copy_from_slice(b"MZ");
    image[0x3c] = PE as u8;
    image[PE..PE + 4].copy_from_slice(b"PE\0\0");
    image[PE + 6] = 2;
    image[PE + 20] = OPTIONAL as u8;
    let table = PE + 24 + OPTIONAL;
    image[table..table + 8].copy_from_slice(b".osrel\0\0");
    let section = table + 40;
    image[section..section + 8].copy_from_slice(b".linux\0\0");
    image[section + 16..section + 20].copy_from_slice(&(kernel.len() as u32).to_le_bytes());
    image[section + 20..section + 24].copy_from_slice(&(START as u32).to_le_bytes());
    image.extend(kernel);
    image
}

/// A kernel that has the defect: machine_check_poll() calls amd_clear_bank().
pub fn vulnerable(form: Addresses) -> Vec<u8> {
    let poll = [go(0xe8, function(1), function(2)), vec![0xc3]].concat();
    let clear = [
        vec![0xbf, 0x08, 0x20, 0x00, 0xc0],
        go(0xe9, function(2) + 5, function(3)),
    ]
    .concat();
    let functions = [
        ("start_kernel", vec![0xc3]),
        ("machine_check_poll", poll),
        ("amd_clear_bank", clear),
        (
            "mce_wrmsrq",
            b"\x89\xf9\x31\xc0\x31\xd2\x0f\x30\xc3".to_vec(),
        ),
        ("mce_log", vec![0xc3]),
        ("register_ftrace_function", vec![0xc3]),
    ];
    vmlinux(&functions, &[("mce_flags", DATA)], form)
}

/// Numbers that are the same in each run; SEED= has others.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        let seed = std::env::var("SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or(1);
        println!("SEED={seed}");
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
