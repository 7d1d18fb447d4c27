// SPDX-License-Identifier: GPL-2.0

//! The kernel's own table of symbols: as /proc/kallsyms shows it, or as an image holds it.

use crate::elf::Elf;
use std::collections::BTreeMap;
use std::collections::HashMap;

/// The symbols of a kernel, without those of its modules.
#[derive(Default)]
pub struct Symbols {
    addresses: HashMap<String, u64>,
    names: BTreeMap<u64, Vec<String>>,
}

impl Symbols {
    pub fn new(symbols: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut new = Self::default();
        for (name, address) in symbols {
            new.names.entry(address).or_default().push(name.clone());
            new.addresses.entry(name).or_insert(address);
        }
        new
    }

    pub fn address(&self, name: &str) -> Option<u64> {
        self.addresses.get(name).copied()
    }

    pub fn has(&self, name: &str) -> bool {
        self.addresses.contains_key(name)
    }

    /// Whether there is one of that name, or of that name and a compiler's suffix.
    pub fn has_variant(&self, name: &str) -> bool {
        self.addresses.keys().any(|known| is_variant(known, name))
    }

    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether the addresses are there, too; they are zero for who may not see them.
    pub fn has_addresses(&self) -> bool {
        self.names.len() > 1
    }

    /// The names of what starts at that address.
    pub fn at(&self, address: u64) -> &[String] {
        self.names.get(&address).map_or(&[], Vec::as_slice)
    }

    /// The name of what starts there or before.
    pub fn before(&self, address: u64) -> Option<&str> {
        let (_, names) = self.names.range(..=address).next_back()?;
        names.first().map(String::as_str)
    }

    /// Where what comes next starts.
    pub fn after(&self, address: u64) -> Option<u64> {
        self.names
            .range(address.checked_add(1)?..)
            .next()
            .map(|(next, _)| *next)
    }
}

/// Whether `known` is `name`, maybe with what compilers add to a name.
pub fn is_variant(known: &str, name: &str) -> bool {
    known
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What /proc/kallsyms says.
pub fn running(text: &str) -> Symbols {
    Symbols::new(text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let _kind = words.next()?;
        let name = words.next()?;
        // A fourth word names a module.
        words.next().is_none().then(|| (name.to_string(), address))
    }))
}

/// The same from the tables that an image has for /proc/kallsyms, or else from its symbol table.
///
/// The tables follow each other, aligned to eight bytes or, since 7.1, to four: the number of
/// names, the names, markers, tokens that the names consist of, and an index of the tokens. The
/// addresses are behind these, or in front of them until 6.3.
pub fn of_image(elf: &Elf) -> Result<Symbols, String> {
    let text = elf.text().ok_or("it has no code")?;
    for (address, data) in elf.loaded() {
        if let Some(tokens) = Tokens::find(data) {
            let names = Names::find(data, &tokens)
                .ok_or("its table of symbols is damaged, or in a form that is not known here")?;
            return names
                .addresses(data, address, text, &tokens)
                .ok_or_else(|| "its table of symbols has no addresses in a known form".into());
        }
    }
    let symbols = Symbols::new(elf.symbols());
    if symbols.len() < MIN_SYMBOLS {
        return Err("it has no table of symbols (CONFIG_KALLSYMS)".into());
    }
    Ok(symbols)
}

/// No kernel has fewer, nor more.
const MIN_SYMBOLS: usize = 1000;
pub const MAX_SYMBOLS: usize = 1_000_000;
const MAX_SIZE: u64 = 0x4000_0000;
const TOKENS: usize = 256;
const MAX_TOKEN: usize = 1024;
/// So long 256 names may be.
const MAX_BLOCK: usize = 65536;
/// So far the markers may be in front of the tokens.
const MAX_MARKERS: usize = 4 << 20;
/// Where something else looks like markers, this often is enough.
const MAX_TRIES: usize = 16;

fn word(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn offset(data: &[u8], at: usize) -> Option<i64> {
    word(data, at).map(|word| i64::from(word as i32))
}

/// The first place in `data` from `from` on where `what` is.
fn find(data: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let first = *what.first()?;
    let mut at = from;
    loop {
        at += data.get(at..)?.iter().position(|byte| *byte == first)?;
        if data[at..].starts_with(what) {
            return Some(at);
        }
        at += 1;
    }
}

/// The table of tokens.
struct Tokens<'a> {
    start: usize,
    /// Where the index ends that comes behind it.
    end: usize,
    tokens: Vec<&'a [u8]>,
}

impl<'a> Tokens<'a> {
    /// Among the tokens are the digits, which stand for themselves.
    fn find(data: &'a [u8]) -> Option<Self> {
        const DIGITS: &[u8] = b"0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00";
        let mut at = 0;
        loop {
            at = find(data, DIGITS, at)?;
            if let Some(tokens) = Self::around(data, at) {
                return Some(tokens);
            }
            at += 1;
        }
    }

    /// The table that has the token for '0' at `zero`. In front of the first one there may be
    /// anything, so it may be any end of what seems to be it.
    fn around(data: &'a [u8], zero: usize) -> Option<Self> {
        let length = |end: usize| {
            let earlier = data.get(end.saturating_sub(MAX_TOKEN)..end)?;
            earlier.iter().rev().position(|byte| *byte == 0)
        };
        let mut second = zero;
        for _ in 1..b'0' {
            let end = second.checked_sub(1)?;
            second = end - length(end)?;
        }
        let end = second.checked_sub(1)?;
        let longest = length(end).unwrap_or(MAX_TOKEN.min(end));
        (end - longest..=end).find_map(|start| Self::at(data, start))
    }

    /// The table that starts there, if its index says the same.
    fn at(data: &'a [u8], start: usize) -> Option<Self> {
        let mut tokens = Vec::with_capacity(TOKENS);
        let mut index = Vec::with_capacity(2 * TOKENS);
        let mut at = start;
        for _ in 0..TOKENS {
            index.extend_from_slice(&u16::try_from(at - start).ok()?.to_le_bytes());
            let rest = data.get(at..)?;
            let length = rest.iter().take(MAX_TOKEN).position(|byte| *byte == 0)?;
            tokens.push(&rest[..length]);
            at += length + 1;
        }
        [4, 8].into_iter().find_map(|align| {
            let at = at.checked_next_multiple_of(align)?;
            let end = at + index.len();
            (data.get(at..end)? == index).then(|| Self {
                start,
                end,
                tokens: tokens.clone(),
            })
        })
    }
}

/// The names, each with its type in front.
struct Names {
    /// Where the number of them is.
    count_at: usize,
    names: Vec<String>,
}

impl Names {
    /// In front of the tokens are the markers: where in the names every 256th starts, from 0 on.
    /// Until 6.3 there may be the order of the names between the two.
    fn find(data: &[u8], tokens: &Tokens<'_>) -> Option<Self> {
        let marker = |first: usize, i: usize| word(data, first.checked_add(4 * i)?);
        let follows = |first: usize, i: usize| {
            let block = marker(first, i)?.checked_sub(marker(first, i - 1)?)? as usize;
            (512..MAX_BLOCK).contains(&block).then_some(())
        };
        let nearest = tokens.start & !3;
        let furthest = nearest.saturating_sub(MAX_MARKERS);
        (furthest..nearest)
            .rev()
            .step_by(4)
            .map(|at| at & !3)
            .filter(|first| {
                marker(*first, 0) == Some(0)
                    && (1..MIN_SYMBOLS / 256).all(|i| follows(*first, i).is_some())
            })
            .take(MAX_TRIES)
            .find_map(|first| {
                let last = (1..).take_while(|i| follows(first, *i).is_some()).last()?;
                let guess = first.checked_sub(marker(first, last)? as usize)? & !3;
                let start = (guess + 2 * MAX_BLOCK).min(first);
                (0..MAX_BLOCK)
                    .find_map(|back| Self::at(data, start.checked_sub(4 * back)?, first, tokens))
            })
    }

    /// All of them, if they start there, behind their number, and end at `end`, where the markers
    /// start.
    fn at(data: &[u8], mut at: usize, end: usize, tokens: &Tokens<'_>) -> Option<Self> {
        let (mut count_at, padding) = (at.checked_sub(4)?, word(data, at - 4)?);
        if padding == 0 {
            count_at = at.checked_sub(8)?;
        }
        let count = word(data, count_at)? as usize;
        if !(MIN_SYMBOLS..=MAX_SYMBOLS).contains(&count) {
            return None;
        }
        let (start, mut names) = (at, Vec::with_capacity(count));
        for i in 0..count {
            // Where the markers are others, this is not the start, or something is damaged.
            if i % 256 == 0 && word(data, end + i / 64)? as usize != at - start {
                return None;
            }
            let mut length = usize::from(*data.get(at).filter(|_| at < end)?);
            at += 1;
            if length & 0x80 != 0 {
                length = (length & 0x7f) | (usize::from(*data.get(at)?) << 7);
                at += 1;
            }
            let mut name = Vec::new();
            for token in data.get(at..at + length).filter(|_| at + length <= end)? {
                name.extend_from_slice(tokens.tokens[usize::from(*token)]);
            }
            // Tokens may be long, names are not.
            if name.len() > 1024 {
                return None;
            }
            names.push(String::from_utf8(name).ok()?);
            at += length;
        }
        (end - at <= 8).then_some(Self { count_at, names })
    }

    /// With the address of each: how far it is from where the number stands (7.1 and later); or
    /// from an address that _text tells, upwards; or, with those of per-CPU data left as they are,
    /// downwards from one less.
    fn addresses(
        &self,
        data: &[u8],
        address: u64,
        text: u64,
        tokens: &Tokens<'_>,
    ) -> Option<Symbols> {
        let count = self.names.len();
        let name = |i: usize| self.names[i].get(1..).unwrap_or("");
        let of_text = (0..count).find(|i| name(*i) == "_text")?;

        // In front of the number of names is the address they count from.
        let before = (self.count_at & !7)
            .checked_sub(8 + 4 * count)
            .map(|at| at & !7);
        [
            Some(tokens.end),
            tokens.end.checked_next_multiple_of(8),
            before,
        ]
        .into_iter()
        .flatten()
        .find_map(|table| {
            let of = |i: usize| offset(data, table.checked_add(4 * i)?);
            let zero = of(of_text)?;
            let here = address.wrapping_add(table as u64);
            let place = |i: usize, offset: i64| {
                if here
                    .wrapping_add((4 * of_text) as u64)
                    .wrapping_add(zero as u64)
                    == text
                {
                    here.wrapping_add((4 * i) as u64)
                        .wrapping_add(offset as u64)
                } else if zero < 0 && offset >= 0 {
                    offset as u64
                } else if zero < 0 {
                    text.wrapping_add((zero - offset) as u64)
                } else {
                    text.wrapping_add((offset - zero) as u64)
                }
            };
            let mut symbols = Vec::with_capacity(count);
            let (mut functions, mut strays) = (0, 0);
            for i in 0..count {
                let address = place(i, of(i)?);
                if self.names[i].starts_with(['t', 'T']) {
                    functions += 1;
                    strays += usize::from(address.wrapping_sub(text) > MAX_SIZE);
                }
                symbols.push((name(i).to_string(), address));
            }
            // Of a table that is one, the functions are where the code is.
            (functions > 100 * strays).then(|| Symbols::new(symbols))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made;

    #[test]
    fn each_form_of_the_tables_is_read() {
        for form in made::ALL_ADDRESSES {
            let elf = Elf::new(made::vulnerable(form)).unwrap();
            let symbols = of_image(&elf).unwrap_or_else(|reason| panic!("{form:?}: {reason}"));
            assert_eq!(symbols.address("_text"), Some(made::TEXT), "{form:?}");
            assert_eq!(
                symbols.address("amd_clear_bank"),
                Some(made::function(2)),
                "{form:?}"
            );
            assert_eq!(
                symbols.after(made::function(2)),
                Some(made::function(3)),
                "{form:?}"
            );
            assert_eq!(symbols.address("mce_flags"), Some(made::DATA), "{form:?}");
            if matches!(form, made::Addresses::Down | made::Addresses::Before) {
                assert_eq!(symbols.address("per_cpu_data"), Some(0x1000), "{form:?}");
            }
        }
    }

    #[test]
    fn a_damaged_table_is_refused() {
        let kernel = made::vulnerable(made::Addresses::Up);
        let at = find(&kernel, b"0\x001\x002\x00", 0).unwrap();
        let mut damaged = kernel.clone();
        damaged[at] = b'x';
        let reason = of_image(&Elf::new(damaged).unwrap()).err().unwrap();
        assert!(reason.contains("CONFIG_KALLSYMS"), "{reason}");
        // The index is right, the number of names is not.
        let names = find(&kernel, b"\x06T_text", 0).unwrap();
        let mut damaged = kernel;
        damaged[names - 8] ^= 1;
        let reason = of_image(&Elf::new(damaged).unwrap()).err().unwrap();
        assert!(reason.contains("damaged"), "{reason}");
    }

    #[test]
    fn modules_are_not_the_kernel() {
        let symbols = running(
            "ffffffff81000000 T _text\nffffffffc0000000 t amd_clear_bank\t[other]\n\
             ffffffff81000040 t schedule\nnonsense\n",
        );
        assert_eq!(symbols.len(), 2);
        assert!(!symbols.has("amd_clear_bank"));
        assert_eq!(symbols.before(made::TEXT + 0x41), Some("schedule"));
    }

    #[test]
    fn hidden_addresses_are_noticed() {
        let hidden = "0000000000000000 T _text\n0000000000000000 T _stext\n";
        assert!(!running(hidden).has_addresses());
    }
}
