// SPDX-License-Identifier: GPL-2.0

//! x86-64 instructions: how long they are and which operands they have, no more.

/// Where the operand that ModRM names is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operand {
    None,
    Register(u8),
    Memory(Memory),
}

/// A memory operand. An address that is known (relative to RIP, or absolute) is in `absolute`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Memory {
    pub base: Option<u8>,
    pub index: Option<(u8, u8)>,
    pub displacement: i32,
    pub absolute: Option<u64>,
    /// Relative to GS: data of this CPU.
    pub per_cpu: bool,
}

/// One instruction. `map` is 0 for one-byte opcodes, 1 for those behind 0f, 2 and 3 for those
/// behind 0f 38 and 0f 3a; vector instructions have [`VECTOR`] added to that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Instruction {
    pub address: u64,
    pub length: u8,
    pub map: u8,
    pub opcode: u8,
    pub reg: u8,
    pub rm: Operand,
    pub immediate: i64,
    /// Operand size in bytes; of opcodes that have one for bytes, 1.
    pub size: u8,
}

pub const VECTOR: u8 = 8;

impl Instruction {
    pub fn end(&self) -> u64 {
        self.address.wrapping_add(u64::from(self.length))
    }

    /// Where a direct jump or call goes.
    pub fn target(&self) -> u64 {
        self.end().wrapping_add(self.immediate as u64)
    }
}

struct Reader<'a> {
    code: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        // No instruction is longer.
        self.code[..self.code.len().min(15)].get(self.at).copied()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// A little-endian number of that many bytes, with its sign.
    fn number(&mut self, bytes: u8) -> Option<i64> {
        let mut value = 0u64;
        for i in 0..bytes {
            value |= u64::from(self.byte()?) << (8 * i);
        }
        let unused = 64 - 8 * u32::from(bytes.max(1));
        Some(if bytes == 0 {
            0
        } else {
            (value << unused) as i64 >> unused
        })
    }
}

/// The instruction at the start of `code`, which stands at `address`; or nothing if it is in no
/// known form.
pub fn decode(code: &[u8], address: u64) -> Option<Instruction> {
    let mut reader = Reader { code, at: 0 };
    let (mut wide_prefix, mut per_cpu, mut short_address) = (false, false, false);
    loop {
        match reader.peek()? {
            0x66 => wide_prefix = true,
            0x67 => short_address = true,
            0x65 => per_cpu = true,
            0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0xf0 | 0xf2 | 0xf3 => (),
            _ => break,
        }
        reader.at += 1;
    }
    let mut rex = 0;
    if reader.peek()? & 0xf0 == 0x40 {
        rex = reader.byte()?;
    }
    let (map, opcode) = opcode(&mut reader, &mut rex)?;
    let vector = map & VECTOR != 0;

    let mut size = match (rex & 8 != 0, wide_prefix) {
        (true, _) => 8,
        (_, true) => 2,
        _ => 4,
    };
    let (mut reg, mut rm) = ((opcode & 7) | ((rex & 1) << 3), Operand::None);
    let mut absolute = None;
    if has_modrm(map & 3, opcode, vector)? {
        let modrm = reader.byte()?;
        reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
        rm = operand(&mut reader, modrm, rex, &mut absolute)?;
    }
    let immediate_bytes = immediate_bytes(map & 3, opcode, vector, reg & 7, size, short_address)?;
    let immediate = reader.number(immediate_bytes)?;
    // ENTER has a second one.
    if map == 0 && opcode == 0xc8 {
        reader.byte()?;
    }
    if is_of_bytes(map, opcode) {
        size = 1;
    }
    let length = reader.at as u8;
    if let Operand::Memory(memory) = &mut rm {
        memory.per_cpu = per_cpu;
        // Known only now: it counts from the end of the instruction.
        memory.absolute = absolute.map(|(relative, displacement)| {
            let from = if relative {
                address.wrapping_add(u64::from(length))
            } else {
                0
            };
            from.wrapping_add(displacement as i64 as u64)
        });
        // An address of 32 bits; the kernel has none.
        if short_address && !(map == 0 && opcode == 0x8d) {
            return None;
        }
    }
    Some(Instruction {
        address,
        length,
        map,
        opcode,
        reg,
        rm,
        immediate,
        size,
    })
}

/// The opcode and its map, with what vector prefixes say about registers in `rex`.
fn opcode(reader: &mut Reader<'_>, rex: &mut u8) -> Option<(u8, u8)> {
    let first = reader.byte()?;
    match first {
        0x0f => match reader.byte()? {
            0x38 => Some((2, reader.byte()?)),
            0x3a => Some((3, reader.byte()?)),
            opcode => Some((1, opcode)),
        },
        0xc5 => {
            let prefix = reader.byte()?;
            *rex = (!prefix & 0x80) >> 5;
            Some((1 | VECTOR, reader.byte()?))
        }
        0xc4 | 0x62 => {
            let prefix = reader.byte()?;
            *rex = (!prefix & 0xe0) >> 5;
            let map = prefix & if first == 0x62 { 7 } else { 0x1f };
            for _ in 0..if first == 0x62 { 2 } else { 1 } {
                reader.byte()?;
            }
            let opcode = reader.byte()?;
            (1..=3).contains(&map).then_some((map | VECTOR, opcode))
        }
        _ => Some((0, first)),
    }
}

/// Whether ModRM follows, or nothing if there is no such opcode in 64-bit mode.
fn has_modrm(map: u8, opcode: u8, vector: bool) -> Option<bool> {
    if vector {
        return Some(!(map == 1 && opcode == 0x77));
    }
    Some(match (map, opcode) {
        (0, 0x00..=0x3f) => match opcode & 7 {
            0..=3 => true,
            4 | 5 => false,
            _ => return None,
        },
        (0, 0x60..=0x62 | 0x82 | 0x9a | 0xce | 0xd4..=0xd6 | 0xea) => return None,
        (0, 0x63 | 0x69 | 0x6b | 0x80..=0x8f | 0xc0 | 0xc1 | 0xc6 | 0xc7) => true,
        (0, 0xd0..=0xd3 | 0xd8..=0xdf | 0xf6 | 0xf7 | 0xfe | 0xff) => true,
        (0, _) => false,
        (1, 0x04 | 0x0a | 0x0c | 0x24..=0x27 | 0x36 | 0x39 | 0x3b..=0x3f) => return None,
        (1, 0x05..=0x09 | 0x0b | 0x0e | 0x30..=0x37 | 0x77 | 0x80..=0x8f) => false,
        (1, 0xa0..=0xa2 | 0xa8..=0xaa | 0xc8..=0xcf) => false,
        _ => true,
    })
}

/// The operand that ModRM names; one at a known address leaves in `absolute` whether it counts
/// from the end of the instruction, and the distance.
fn operand(
    reader: &mut Reader<'_>,
    modrm: u8,
    rex: u8,
    absolute: &mut Option<(bool, i32)>,
) -> Option<Operand> {
    let (mode, rm) = (modrm >> 6, modrm & 7);
    if mode == 3 {
        return Some(Operand::Register(rm | ((rex & 1) << 3)));
    }
    let mut memory = Memory::default();
    let mut displacement_bytes = [0, 1, 4][usize::from(mode)];
    if rm == 4 {
        let sib = reader.byte()?;
        let index = ((sib >> 3) & 7) | ((rex & 2) << 2);
        if index != 4 {
            memory.index = Some((index, 1 << (sib >> 6)));
        }
        if sib & 7 == 5 && mode == 0 {
            displacement_bytes = 4;
        } else {
            memory.base = Some((sib & 7) | ((rex & 1) << 3));
        }
    } else if rm == 5 && mode == 0 {
        displacement_bytes = 4;
    } else {
        memory.base = Some(rm | ((rex & 1) << 3));
    }
    memory.displacement = reader.number(displacement_bytes)? as i32;
    if memory.base.is_none() && memory.index.is_none() {
        *absolute = Some((rm == 5, memory.displacement));
    }
    Some(Operand::Memory(memory))
}

fn immediate_bytes(
    map: u8,
    opcode: u8,
    vector: bool,
    reg: u8,
    size: u8,
    short_address: bool,
) -> Option<u8> {
    let usual = size.min(4);
    Some(match (map, opcode) {
        (0, 0x00..=0x3f) => match opcode & 7 {
            4 => 1,
            5 => usual,
            _ => 0,
        },
        (0, 0x68 | 0x69 | 0x81 | 0xa9 | 0xc7) => usual,
        // Jumps and calls: a prefix does not shorten them on all CPUs alike.
        (0, 0xe8 | 0xe9) | (1, 0x80..=0x8f) if !vector => 4,
        (0, 0x6a | 0x6b | 0x70..=0x7f | 0x80 | 0x83 | 0xa8 | 0xb0..=0xb7) => 1,
        (0, 0xc0 | 0xc1 | 0xc6 | 0xcd | 0xe0..=0xe7 | 0xeb) => 1,
        (0, 0xb8..=0xbf) => size,
        (0, 0xa0..=0xa3) => {
            if short_address {
                4
            } else {
                8
            }
        }
        (0, 0xc2 | 0xc8 | 0xca) => 2,
        (0, 0xf6) if reg < 2 => 1,
        (0, 0xf7) if reg < 2 => usual,
        (1, 0x0f | 0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6) => 1,
        (3, _) => 1,
        _ => 0,
    })
}

/// Whether an opcode works on bytes.
fn is_of_bytes(map: u8, opcode: u8) -> bool {
    match (map, opcode) {
        (0, 0x00..=0x3f) => opcode & 1 == 0,
        (0, 0x80 | 0x84 | 0x86 | 0x88 | 0x8a | 0xa8 | 0xc0 | 0xc6 | 0xd0 | 0xd2 | 0xf6 | 0xfe) => {
            true
        }
        (0, 0xb0..=0xb7) => true,
        (1, 0x90..=0x9f) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(code: &[u8]) -> Option<u8> {
        decode(code, 0).map(|code| code.length)
    }

    #[test]
    fn instructions_have_their_lengths() {
        let whole: &[&[u8]] = &[
            b"\xf3\x0f\x1e\xfa",                             // endbr64
            b"\x66\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", // nop
            b"\x65\x48\x8b\x05\x90\x91\x95\x02",             // mov %gs:0x2959190(%rip),%rax
            b"\x48\x8d\xa9\xe0\x11\xc5\x83",                 // lea -0x7c3aee20(%rcx),%rbp
            b"\xf6\x05\x85\x9c\x03\x02\x04",                 // testb $4,mce_flags(%rip)
            b"\x48\xc7\x44\x24\x08\x00\x00\x00\x00",         // movq $0,8(%rsp)
            b"\x49\xbf\x00\x00\x00\x00\x00\x00\x00\x20",     // movabs $1<<61,%r15
            b"\x66\xb8\x34\x12",                             // mov $0x1234,%ax
            b"\x66\x81\xc1\x34\x12",                         // add $0x1234,%cx
            b"\x81\xef\xf8\xdf\xff\x3f",                     // sub $0x3fffdff8,%edi
            b"\x8d\x3c\x9d\x01\x04\x00\x00",                 // lea 0x401(,%rbx,4),%edi
            b"\xf7\xc7\x00\x00\x00\x80",                     // test $1<<31,%edi
            b"\xf7\xd7",                                     // not %edi
            b"\x0f\xba\xe0\x3c",                             // bt $0x3c,%eax
            b"\xc8\x10\x00\x00",                             // enter $16,$0
            b"\x0f\x01\xe8",                                 // serialize
            b"\x48\xcf",                                     // iretq
            b"\xc5\xf8\x77",                                 // vzeroupper
            b"\xc4\xe3\x7d\x39\xc1\x01",                     // vextracti128 $1,%ymm0,%xmm1
            b"\x62\xf1\x7d\x48\x6f\x47\x01",                 // vmovdqa32 0x40(%rdi),%zmm0
        ];
        for code in whole {
            assert_eq!(length(code), Some(code.len() as u8), "{code:02x?}");
            // Cut off, there is none.
            assert_eq!(length(&code[..code.len() - 1]), None, "{code:02x?}");
        }
    }

    #[test]
    fn what_is_none_is_not_decoded() {
        for code in [
            &b"\x06"[..],
            b"\x0f\x04",
            b"\xd5\x00\x00",
            b"\x62\xf0\x7d\x48\x00\x00",
            b"",
            b"\x66",
        ] {
            assert_eq!(length(code), None, "{code:02x?}");
        }
        assert_eq!(length(&[0x66; 15]), None);
    }

    #[test]
    fn operands_are_found() {
        // testb $4,0x100(%rip), at 0x1000
        let code = decode(b"\xf6\x05\x00\x01\x00\x00\x04", 0x1000).unwrap();
        let Operand::Memory(memory) = code.rm else {
            panic!("{code:?}")
        };
        assert_eq!(
            (memory.absolute, code.immediate, code.size),
            (Some(0x1107), 4, 1)
        );
        // mov 0x10(%r12,%rax,8),%r9
        let code = decode(b"\x4d\x8b\x4c\xc4\x10", 0).unwrap();
        let Operand::Memory(memory) = code.rm else {
            panic!("{code:?}")
        };
        assert_eq!(
            (memory.base, memory.index, memory.displacement),
            (Some(12), Some((0, 8)), 16)
        );
        assert_eq!((code.reg, code.size), (9, 8));
        // jmp to itself
        assert_eq!(decode(b"\xeb\xfe", 0x1000).unwrap().target(), 0x1000);
    }

    #[test]
    fn nothing_makes_it_fail() {
        let mut random = crate::made::Random::new();
        for _ in 0..200_000 {
            let bytes: Vec<u8> = (0..random.below(17)).map(|_| random.next() as u8).collect();
            if let Some(code) = decode(&bytes, random.next()) {
                assert!(usize::from(code.length) <= bytes.len() && code.length > 0);
            }
        }
    }
}
