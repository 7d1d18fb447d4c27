// SPDX-License-Identifier: GPL-2.0

//! What the kernel's BTF says of a function.
//!
//! Reference: <https://docs.kernel.org/bpf/btf.html>

/// The BTF of a kernel: its types, numbered from 1 on, and their names.
struct Btf<'a> {
    types: Vec<Type<'a>>,
    names: &'a [u8],
}

struct Type<'a> {
    name: usize,
    kind: u32,
    /// Of a pointer, a function and the like: the type that it is about.
    about: usize,
    more: &'a [u8],
}

const PTR: u32 = 2;
const STRUCT: u32 = 4;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

/// How many bytes follow a type of that kind, with so many members or the like.
fn bytes_behind(kind: u32, members: usize) -> Option<usize> {
    match kind {
        // Pointers, forward declarations, names, qualifiers, functions, floats, tags of types.
        PTR | 7..=FUNC | 16 | 18 => Some(0),
        // Integers, variables, tags of declarations.
        1 | 14 | 17 => Some(4),
        // Arrays.
        3 => Some(12),
        // Structures, unions, sections, 64-bit enumerations.
        STRUCT | 5 | 15 | 19 => Some(12 * members),
        // Enumerations, prototypes.
        6 | FUNC_PROTO => Some(8 * members),
        _ => None,
    }
}

impl<'a> Btf<'a> {
    /// Nothing if it is damaged, or has what is newer than this.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(&[0x9f, 0xeb, 1]) {
            return None;
        }
        let part = |at: usize| {
            let start = word(bytes, 4)?.checked_add(word(bytes, at)?)? as usize;
            bytes.get(start..start.checked_add(word(bytes, at + 4)? as usize)?)
        };
        let (mut rest, names) = (part(8)?, part(16)?);
        let mut types = Vec::new();
        while !rest.is_empty() {
            let info = word(rest, 4)?;
            let kind = (info >> 24) & 0x1f;
            let end = 12 + bytes_behind(kind, (info & 0xffff) as usize)?;
            types.push(Type {
                name: word(rest, 0)? as usize,
                kind,
                about: word(rest, 8)? as usize,
                more: rest.get(12..end)?,
            });
            rest = &rest[end..];
        }
        Some(Self { types, names })
    }

    fn is_called(&self, of: &Type<'_>, name: &str) -> bool {
        self.names.get(of.name..).is_some_and(|names| {
            names.starts_with(name.as_bytes()) && names.get(name.len()) == Some(&0)
        })
    }

    fn get(&self, number: usize) -> Option<&Type<'a>> {
        self.types.get(number.checked_sub(1)?)
    }
}

/// Whether `function` takes one argument, and that is a `struct structure *`. Nothing if the BTF
/// does not tell.
pub fn takes_pointer_to(btf: &[u8], function: &str, structure: &str) -> Option<bool> {
    let btf = Btf::parse(btf)?;
    let function = btf
        .types
        .iter()
        .find(|t| t.kind == FUNC && btf.is_called(t, function))?;
    let prototype = btf.get(function.about).filter(|t| t.kind == FUNC_PROTO)?;
    if prototype.more.len() != 8 {
        return Some(false);
    }
    let argument = btf.get(word(prototype.more, 4)? as usize);
    let target = argument
        .filter(|t| t.kind == PTR)
        .and_then(|t| btf.get(t.about));
    Some(target.is_some_and(|t| t.kind == STRUCT && btf.is_called(t, structure)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[u8] = b"\0mce\0amd_clear_bank\0amd_clear_banks\0int\0";

    fn name(of: &str) -> u32 {
        let of = [of.as_bytes(), b"\0"].concat();
        NAMES.windows(of.len()).position(|w| w == of).unwrap() as u32
    }

    /// Types: 1 int, 2 struct mce, 3 pointer to it, 4 pointer to int, 5 a prototype with these
    /// arguments, 6 amd_clear_banks() and 7 amd_clear_bank() of that.
    fn made(arguments: &[u32]) -> Vec<u8> {
        let mut types = vec![name("int"), 1 << 24, 4, 0x20];
        types.extend([name("mce"), (STRUCT << 24) | 1, 8, 0, 1, 0]);
        types.extend([0, PTR << 24, 2, 0, PTR << 24, 1]);
        types.extend([0, (FUNC_PROTO << 24) | arguments.len() as u32, 0]);
        for argument in arguments {
            types.extend([0, *argument]);
        }
        types.extend([name("amd_clear_banks"), FUNC << 24, 1]);
        types.extend([name("amd_clear_bank"), FUNC << 24, 5]);

        let size = 4 * types.len() as u32;
        let mut words = vec![0x1eb9f, 24, 0, size, size, NAMES.len() as u32];
        words.extend(types);
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(NAMES);
        bytes
    }

    fn takes_mce(arguments: &[u32]) -> Option<bool> {
        takes_pointer_to(&made(arguments), "amd_clear_bank", "mce")
    }

    #[test]
    fn a_pointer_to_the_structure_is_one() {
        assert_eq!(takes_mce(&[3]), Some(true));
    }

    #[test]
    fn other_arguments_are_none() {
        assert_eq!(takes_mce(&[]), Some(false));
        assert_eq!(takes_mce(&[1]), Some(false));
        assert_eq!(takes_mce(&[2]), Some(false));
        assert_eq!(takes_mce(&[4]), Some(false));
        assert_eq!(takes_mce(&[3, 1]), Some(false));
    }

    #[test]
    fn what_is_not_there_or_damaged_tells_nothing() {
        let whole = made(&[3]);
        assert_eq!(takes_pointer_to(&whole, "clear_bank", "mce"), None);
        for length in 0..whole.len() {
            assert_eq!(
                takes_pointer_to(&whole[..length], "amd_clear_bank", "mce"),
                None
            );
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                takes_pointer_to(&damaged, "amd_clear_bank", "mce");
            }
        }
    }
}
