// SPDX-License-Identifier: GPL-2.0

//! Does machine_check_poll() write MCA_DESTAT on a CPU without SMCA?
//!
//! This follows all paths through the function, and through its callees where they can matter. It
//! tracks two things of each register: the constant part of an MSR number, and whether the value is
//! data (the record of an error, arguments, counts) or may answer a question about the CPU. The
//! only name that it relies on is machine_check_poll(), which is exported.
//!
//! A branch on anything but data may be a check for SMCA in a form not known here. So a write is
//! certain only if it is reached whichever way those branches go, and there is none only if no way
//! leads to it. Everything between the two, and all code that cannot be followed, is "cannot tell".

use crate::decode::decode;
use crate::decode::Instruction;
use crate::decode::Memory as MemoryOperand;
use crate::decode::Operand;
use crate::decode::VECTOR;
use crate::elf::Elf;
use crate::elf::Memory;
use crate::kallsyms::Symbols;
use std::collections::HashMap;
use std::collections::HashSet;

/// What the code of a kernel does about MCA_DESTAT when it polls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finding {
    /// It writes it, whatever the CPU has, and there.
    Writes(Place),
    /// It writes it if the CPU has SMCA.
    Checks,
    /// It never does.
    NoWrite,
    /// It has no machine_check_poll().
    NoPoll,
    /// Why it cannot be told.
    Unknown(String),
}

/// Where MCA_DESTAT is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the function that the guard hooks, or in what that calls.
    Hooked,
    /// In another.
    NotHooked,
    /// In machine_check_poll() itself, where no function starts that could be hooked.
    Inlined,
}

/// A kernel to look at. `image` is there as long as the kernel has not patched itself.
pub struct Kernel<'a> {
    pub symbols: &'a Symbols,
    pub memory: &'a dyn Memory,
    pub image: Option<&'a Elf>,
}

const POLL: &str = "machine_check_poll";
/// What the guard hooks, by this name, to which a linker may have added ".llvm." and a number.
const HOOKED: &str = "amd_clear_bank";
/// Kernels with machine checks have these, too: where one is left, the name above is only lost.
const COMPANIONS: &[&str] = &[
    "do_machine_check",
    "mcheck_cpu_init",
    "mce_log",
    "mce_timer_fn",
];

const X86_VENDOR_AMD: i64 = 2;
const MAX_FUNCTION: usize = 1 << 16;
const MAX_NODES: usize = 50_000;
/// Of all functions together.
const MAX_STEPS: usize = 2_000_000;
const MAX_WAYS: usize = 64;
/// machine_check_poll() calls clear_bank(), that amd_clear_bank(), that what writes an MSR, maybe
/// by way of another.
const MAX_DEPTH: usize = 3;
/// What stands in front of a function's own code: ENDBR, checks of types, the call for ftrace.
const PROLOGUE: u64 = 32;

const INT3: u8 = 0xcc;

const RAX: usize = 0;
const RCX: usize = 1;
const RDX: usize = 2;
const RSP: usize = 4;
const RBP: usize = 5;
const RDI: usize = 7;

/// What is known of a register.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Value {
    /// A number, or made of arguments and what they point to; with what SMCA constant in it.
    Data(Option<u32>),
    /// The address of a variable.
    Address(u64),
    /// What was read there.
    Loaded(u64),
    /// Anything else, like what a function returned.
    Other,
}

const DATA: Value = Value::Data(None);

impl Value {
    fn of_constant(number: i64) -> Self {
        match number as u64 {
            address @ 0xffff_ffff_8000_0000..=0xffff_ffff_bfff_ffff => Self::Address(address),
            number => DATA.plus(number as u32),
        }
    }

    /// With a constant added.
    fn plus(self, constant: u32) -> Self {
        match self {
            Self::Data(known) => Self::Data(smca(known.unwrap_or(0).wrapping_add(constant))),
            Self::Address(address) => Self::Address(address.wrapping_add(constant as i32 as u64)),
            _ => Self::Other,
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Data(known), Self::Data(None)) | (Self::Data(None), Self::Data(known)) => {
                Self::Data(known)
            }
            (Self::Data(_), Self::Data(_)) => DATA,
            _ => Self::Other,
        }
    }

    fn is_data(self) -> bool {
        matches!(self, Self::Data(_))
    }
}

/// An SMCA register's number, or one before it is shifted by the four bits of a bank's: that of
/// bank 0 stands for all.
fn smca(number: u32) -> Option<u32> {
    match number {
        0xc000_2000..=0xc000_2fff => Some(number & 0xffff_f00f),
        0x0c00_0200..=0x0c00_02ff => Some(0x0c00_0200),
        _ => None,
    }
}

fn is_destat(number: u32) -> bool {
    number == 0xc000_2008
}

/// Constants in code from which MCA_DESTAT's number is made: itself, its complement, and those that
/// a small step leads to it from.
fn mentions(window: u32, destat_only: bool) -> bool {
    let direct = |number: u32| match number {
        0xc000_2008 => true,
        0xc000_2000 | 0xc000_2001 | 0x0c00_0200 => !destat_only,
        _ => false,
    };
    direct(window) || direct(window.wrapping_neg())
}

/// What the flags tell.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Flags {
    /// Something about data.
    Data,
    /// Whether that bit of a variable is set: by the carry flag (`true`), or by the zero flag,
    /// which then is clear.
    Bit(Bit, bool),
    Other,
}

/// Address of a byte, and mask.
type Bit = (u64, u8);

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct State {
    registers: [Value; 16],
    flags: Flags,
}

impl State {
    /// What is known whichever of the two it is.
    fn common(&self, other: &Self) -> Self {
        let mut common = *self;
        for (register, other) in common.registers.iter_mut().zip(other.registers) {
            if *register != other {
                *register = Value::Other;
            }
        }
        if common.flags != other.flags {
            common.flags = Flags::Other;
        }
        common
    }
}

/// How a place in the code goes on.
#[derive(Clone, Copy, Debug)]
enum Branch {
    /// Any of the ways may be taken.
    Any,
    /// Which, is decided by something that is not known here: all count, or none.
    Asked,
    /// The first way if that bit is set, else the second.
    Bit(Bit),
}

#[derive(Clone, Copy, Default)]
struct Access {
    write: bool,
    /// It may be a write, of a register whose number is not known.
    maybe: bool,
    read: bool,
    /// It writes an MSR, whichever.
    any: bool,
}

struct Node {
    next: Vec<usize>,
    branch: Branch,
    access: Access,
    call: Option<usize>,
}

/// All paths through the function that starts there, from node 0.
struct Graph {
    start: u64,
    nodes: Vec<Node>,
}

/// What is asked of the paths.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
enum Ask {
    /// Is MCA_DESTAT written whatever the unknown questions are answered with?
    Certain,
    /// Is there any answer with which it is?
    Possible,
    /// The same, of reading it.
    Read,
    /// Is any MSR written?
    Any,
}

struct Analysis<'a> {
    kernel: &'a Kernel<'a>,
    graphs: Vec<Graph>,
    /// By where a function starts, how deep it is and what is in its registers.
    known: HashMap<(u64, usize, [Value; 16]), usize>,
    leading: HashMap<(u64, usize), bool>,
    /// Jumps that alternatives make, and the bits that are asked for where they go.
    jumps: HashSet<(u64, u64)>,
    asked: HashMap<u64, Bit>,
    doubts: Vec<String>,
    hidden: bool,
    steps: usize,
}

/// What the kernel does.
pub fn look(kernel: &Kernel<'_>) -> Finding {
    let Some(poll) = kernel.symbols.address(POLL) else {
        return match COMPANIONS.iter().find(|name| kernel.symbols.has(name)) {
            Some(name) => Finding::Unknown(format!("it has {name}() and no {POLL}()")),
            None => Finding::NoPoll,
        };
    };
    let mut analysis = Analysis {
        kernel,
        graphs: Vec::new(),
        known: HashMap::new(),
        leading: HashMap::new(),
        jumps: HashSet::new(),
        asked: HashMap::new(),
        doubts: Vec::new(),
        hidden: false,
        steps: 0,
    };
    let Some(graph) = analysis.follow(poll, [DATA; 16], 0) else {
        return Finding::Unknown(format!(
            "{POLL}() cannot be followed: {}",
            analysis.doubts[0]
        ));
    };
    let smca = analysis.questions_about_smca(graph);
    let reaches = |ask, smca: &HashSet<Bit>| analysis.reaches(graph, ask, smca);

    if reaches(Ask::Certain, &smca) {
        Finding::Writes(analysis.place_of_write(graph))
    } else if let Some(doubt) = analysis.doubts.first() {
        Finding::Unknown(doubt.clone())
    } else if reaches(Ask::Possible, &smca) {
        Finding::Unknown("whether it writes MCA_DESTAT depends on a check of unknown form".into())
    } else if reaches(Ask::Possible, &HashSet::new()) || analysis.hidden {
        Finding::Checks
    } else if !reaches(Ask::Any, &smca) {
        // To poll is to clear banks.
        Finding::Unknown(format!("{POLL}() does not poll in a way that is known"))
    } else {
        Finding::NoWrite
    }
}

impl Analysis<'_> {
    fn doubt(&mut self, address: u64, what: &str) {
        let name = self.name(address);
        self.doubts.push(format!("{name} {what} at {address:#x}"));
    }

    /// The function that an address is in.
    fn name(&self, address: u64) -> String {
        match self.kernel.symbols.before(address) {
            Some(name) => format!("{name}()"),
            None => "code".into(),
        }
    }

    /// Where what was followed from the graph `poll` on writes.
    fn place_of_write(&self, poll: usize) -> Place {
        let is_hooked = |name: &String| {
            name.strip_prefix(HOOKED)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(".llvm."))
        };
        let mut hooked = (0..self.graphs.len()).filter(|graph| {
            let start = self.graphs[*graph].start;
            self.kernel.symbols.at(start).iter().any(is_hooked)
        });
        if self.graphs[poll].nodes.iter().any(|node| node.access.write) {
            Place::Inlined
        } else if hooked.any(|graph| self.reaches(graph, Ask::Possible, &HashSet::new())) {
            Place::Hooked
        } else {
            Place::NotHooked
        }
    }

    /// Whether nothing but what fills the room between functions is there.
    fn is_padding(&self, address: u64) -> bool {
        let end = self.kernel.symbols.after(address).unwrap_or(address);
        let length = end.saturating_sub(address).min(MAX_FUNCTION as u64);
        let bytes = self.kernel.memory.read(address, length as usize);
        bytes.iter().all(|byte| *byte == INT3)
    }

    fn is_function(&self, address: u64) -> bool {
        let names = self.kernel.symbols.at(address);
        names.iter().any(|name| !name.contains(".cold"))
    }

    /// The bytes of the function that starts there.
    fn body(&self, start: u64) -> Vec<u8> {
        let end = self.kernel.symbols.after(start).unwrap_or(start);
        let length = end.saturating_sub(start).min(MAX_FUNCTION as u64);
        self.kernel.memory.read(start, length as usize)
    }

    /// Whether a function's name or code says that it accesses MSRs: by WRMSR or WRMSRNS, or RDMSR.
    fn accesses(&self, function: u64, name: &str, codes: &[&[u8]]) -> bool {
        let body = self.body(function);
        self.kernel
            .symbols
            .at(function)
            .iter()
            .any(|known| known.starts_with(name))
            || codes
                .iter()
                .any(|code| body.windows(code.len()).any(|window| window == *code))
    }

    fn writes_msr(&self, function: u64) -> bool {
        self.accesses(function, "mce_wrmsr", &[b"\x0f\x30", b"\x0f\x01\xc6"])
    }

    fn reads_msr(&self, function: u64) -> bool {
        self.accesses(function, "mce_rdmsr", &[b"\x0f\x32"])
    }

    /// Whether MCA_DESTAT's number is made in that function or, as deep as this looks, in a callee.
    /// By bytes, of which any may be taken for a constant or a call: if in doubt, yes.
    fn leads(&mut self, function: u64, depth: usize) -> bool {
        if let Some(known) = self.leading.get(&(function, depth)) {
            return *known;
        }
        self.leading.insert((function, depth), false);
        let body = self.body(function);
        let words = || {
            body.windows(4)
                .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
        };
        let leads = words().any(|word| mentions(word, false))
            || depth < MAX_DEPTH
                && words().enumerate().any(|(at, word)| {
                    let end = function.wrapping_add(at as u64 + 4);
                    let target = end.wrapping_add(word as i32 as u64);
                    target != function && self.is_function(target) && self.leads(target, depth + 1)
                });
        self.leading.insert((function, depth), leads);
        leads
    }

    /// Whether that function has MCA_DESTAT's number.
    fn has_destat(&self, function: u64) -> bool {
        let body = self.body(function);
        let mut words = body
            .windows(4)
            .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
        words.any(|word| mentions(word, true))
    }

    /// Follows all paths of the function that starts there, with that in its registers.
    fn follow(&mut self, start: u64, registers: [Value; 16], depth: usize) -> Option<usize> {
        if let Some(graph) = self.known.get(&(start, depth, registers)) {
            return Some(*graph);
        }
        let body = self.body(start);
        if body.is_empty() {
            self.doubt(start, "cannot be read");
            return None;
        }
        let mut stack = HashSet::new();
        let walk = loop {
            let mut walk = Walk {
                start,
                body: &body,
                depth,
                stack: stack.clone(),
                nodes: Vec::new(),
                places: HashMap::new(),
                ways: HashMap::new(),
                todo: Vec::new(),
                decoded: HashSet::new(),
                accounted: false,
            };
            walk.place(
                start,
                State {
                    registers,
                    flags: Flags::Data,
                },
            );
            while let Some((node, address, state)) = walk.todo.pop() {
                self.steps += 1;
                if walk.nodes.len() > MAX_NODES || self.steps > MAX_STEPS {
                    self.doubt(start, "has too many paths");
                    return None;
                }
                walk.step(self, node, address, state);
            }
            // What is known of the stack is known of the whole function, so it may have to be
            // followed again.
            if walk.stack == stack {
                break walk;
            }
            stack = walk.stack;
        };
        let (decoded, accounted) = (walk.decoded, walk.accounted);
        let graph = self.graphs.len();
        self.graphs.push(Graph {
            start,
            nodes: walk.nodes,
        });
        self.known.insert((start, depth, registers), graph);
        self.account(start, &body, &decoded, accounted);
        Some(graph)
    }

    /// MCA_DESTAT's number that is there must be made use of by what was followed.
    fn account(&mut self, start: u64, body: &[u8], decoded: &HashSet<u64>, accounted: bool) {
        let mut mentioned = body
            .windows(4)
            .enumerate()
            .filter(|(_, bytes)| mentions(u32::from_le_bytes((*bytes).try_into().unwrap()), true));
        let hidden = mentioned
            .clone()
            .any(|(at, _)| !decoded.contains(&(start + at as u64)));
        if hidden && self.kernel.image.is_some() {
            self.doubt(
                start,
                "has MCA_DESTAT in code that nothing seems to reach, after what is",
            );
        } else if hidden {
            // The kernel has patched the way to it away, on this CPU.
            self.hidden = true;
        } else if !accounted && mentioned.next().is_some() {
            self.doubt(start, "does with MCA_DESTAT what cannot be told,");
        }
    }

    /// The bits that stand for SMCA: one of mce_flags; what alternatives for it ask for; and, where
    /// variables have no names, the one without which MCA_DESTAT is not even read.
    fn questions_about_smca(&self, graph: usize) -> HashSet<Bit> {
        const SMCA_FLAG: u8 = 1 << 2;
        let mut smca = HashSet::new();
        if let Some(flags) = self.kernel.symbols.address("mce_flags") {
            smca.insert((flags, SMCA_FLAG));
        }
        for (jump, target) in &self.jumps {
            if let Some(bit) = self.asked.get(target) {
                if self
                    .kernel
                    .image
                    .is_some_and(|image| has_alternative(image, *jump))
                {
                    smca.insert(*bit);
                }
            }
        }
        if !self.kernel.symbols.has("mce_flags") && self.reaches(graph, Ask::Read, &HashSet::new())
        {
            let bits = self.graphs.iter().flat_map(|graph| &graph.nodes);
            let bits: HashSet<Bit> = bits
                .filter_map(|node| match node.branch {
                    Branch::Bit(bit) => Some(bit),
                    _ => None,
                })
                .filter(|bit| !self.reaches(graph, Ask::Read, &HashSet::from([*bit])))
                .collect();
            if bits.len() == 1 {
                smca.extend(bits);
            }
        }
        smca
    }

    /// Whether the paths from the start of that function lead where is asked for, on a CPU of which
    /// `smca` are clear.
    fn reaches(&self, graph: usize, ask: Ask, smca: &HashSet<Bit>) -> bool {
        self.reaches_from(graph, ask, smca, &mut HashMap::new())
    }

    /// The same, with what is known of other functions.
    fn reaches_from(
        &self,
        graph: usize,
        ask: Ask,
        smca: &HashSet<Bit>,
        known: &mut HashMap<usize, bool>,
    ) -> bool {
        if let Some(reaches) = known.get(&graph) {
            return *reaches;
        }
        let nodes = &self.graphs[graph].nodes;
        let mut reached: Vec<bool> = nodes
            .iter()
            .map(|node| {
                let here = match ask {
                    Ask::Certain => node.access.write,
                    Ask::Possible => node.access.write || node.access.maybe,
                    Ask::Read => node.access.read,
                    Ask::Any => node.access.any,
                };
                here || node
                    .call
                    .is_some_and(|callee| self.reaches_from(callee, ask, smca, known))
            })
            .collect();
        loop {
            let mut changed = false;
            for (at, node) in nodes.iter().enumerate().rev() {
                let next = |way: usize| node.next.get(way).is_some_and(|next| reached[*next]);
                let any = || node.next.iter().any(|next| reached[*next]);
                let all = || !node.next.is_empty() && node.next.iter().all(|next| reached[*next]);
                let now = match node.branch {
                    Branch::Bit(bit) if smca.contains(&bit) => next(1),
                    Branch::Any => any(),
                    _ if ask == Ask::Certain => all(),
                    _ => any(),
                };
                if now && !reached[at] {
                    reached[at] = true;
                    changed = true;
                }
            }
            if !changed {
                known.insert(graph, reached[0]);
                return reached[0];
            }
        }
    }
}

/// Whether the image says that this instruction depends on X86_FEATURE_SMCA: by an alternative,
/// which has the distance to the instruction, that to the replacement, and the feature.
fn has_alternative(image: &Elf, instruction: u64) -> bool {
    const SMCA: u16 = 17 * 32 + 3;
    image.loaded().any(|(address, data)| {
        data.windows(12).enumerate().any(|(at, entry)| {
            let distance = i32::from_le_bytes(entry[..4].try_into().unwrap());
            let here = address.wrapping_add(at as u64);
            here.wrapping_add(distance as i64 as u64) == instruction
                && [entry[8], entry[9]] == SMCA.to_le_bytes()
        })
    })
}

/// The paths of one function, while they are followed.
struct Walk<'a> {
    start: u64,
    body: &'a [u8],
    depth: usize,
    /// Bytes of the stack frame, by register and displacement, that hold what is no data.
    stack: HashSet<(u8, i32)>,
    nodes: Vec<Node>,
    places: HashMap<(u64, State), usize>,
    ways: HashMap<u64, (usize, State)>,
    todo: Vec<(usize, u64, State)>,
    /// The addresses of all bytes of instructions.
    decoded: HashSet<u64>,
    accounted: bool,
}

impl Walk<'_> {
    /// The node of that place, which is to be looked at if it is new.
    fn place(&mut self, address: u64, state: State) -> usize {
        if let Some(node) = self.places.get(&(address, state)) {
            return *node;
        }
        // Of a place that is reached in very many ways, only what they have in common is kept.
        let (ways, common) = self.ways.entry(address).or_insert((0, state));
        *ways += 1;
        *common = common.common(&state);
        let state = if *ways > MAX_WAYS { *common } else { state };
        if let Some(node) = self.places.get(&(address, state)) {
            return *node;
        }
        let node = self.end();
        self.places.insert((address, state), node);
        self.todo.push((node, address, state));
        node
    }

    /// A node from which nothing goes on.
    fn end(&mut self) -> usize {
        let (branch, access) = (Branch::Any, Access::default());
        self.nodes.push(Node {
            next: Vec::new(),
            branch,
            access,
            call: None,
        });
        self.nodes.len() - 1
    }

    fn go(&mut self, node: usize, address: u64, state: State) {
        let next = self.place(address, state);
        self.nodes[node].next.push(next);
    }

    /// To the next instruction, unless the function ends here, as behind a call that never returns.
    fn go_on(&mut self, analysis: &Analysis<'_>, node: usize, code: &Instruction, state: State) {
        if analysis.kernel.symbols.at(code.end()).is_empty() {
            self.go(node, code.end(), state);
        } else {
            let end = self.end();
            self.nodes[node].next.push(end);
        }
    }

    fn fetch(&self, analysis: &Analysis<'_>, address: u64) -> Option<Instruction> {
        let inside = address
            .checked_sub(self.start)
            .and_then(|at| self.body.get(at as usize..));
        match inside {
            Some(code) if !code.is_empty() => decode(code, address),
            _ => decode(&analysis.kernel.memory.read(address, 15), address),
        }
    }

    fn step(&mut self, analysis: &mut Analysis<'_>, node: usize, address: u64, mut state: State) {
        let Some(code) = self.fetch(analysis, address) else {
            analysis.doubt(address, "has an instruction that is not known");
            return;
        };
        self.decoded.extend(address..code.end());
        match (code.map, code.opcode, code.reg & 7) {
            // Behind a call that does not return; or in place of an instruction, which is not seen.
            (0, 0xcc, _) => {
                if !analysis.is_padding(address) {
                    analysis.doubt(address, "has a breakpoint");
                }
            }
            (0, 0xc2 | 0xc3 | 0xca | 0xcb | 0xcf, _) => {
                // IRET is how sync_core() goes on, behind an address that it pushed.
                if code.opcode == 0xcf {
                    self.go_on(analysis, node, &code, state);
                }
            }
            (0, 0xe9 | 0xeb, _) => self.jump(analysis, node, &code, state),
            (0, 0x70..=0x7f, _) | (1, 0x80..=0x8f, _) => {
                for way in self.branch(node, code.opcode & 0xf, &state) {
                    if way {
                        self.jump(analysis, node, &code, state);
                    } else {
                        self.go_on(analysis, node, &code, state);
                    }
                }
            }
            (0, 0xe0..=0xe3, _) => {
                self.go(node, code.target(), state);
                self.go_on(analysis, node, &code, state);
            }
            (0, 0xe8, _) => self.call(analysis, node, &code, state),
            (0, 0xff, 2 | 3) => {
                analysis.doubt(address, "calls through a pointer");
                clobber(&mut state, Value::Other);
                self.go_on(analysis, node, &code, state);
            }
            (0, 0xff, 4 | 5) => analysis.doubt(address, "jumps through a pointer"),
            (1, 0x40..=0x4f, _) => {
                let mut moved = state;
                let value = self.load(&state, code.rm);
                moved.registers[usize::from(code.reg)] = value;
                for way in self.branch(node, code.opcode & 0xf, &state) {
                    self.go_on(analysis, node, &code, if way { moved } else { state });
                }
            }
            (1, 0x30, _) => {
                self.access_msr(node, state.registers[RCX], true, false);
                self.go_on(analysis, node, &code, state);
            }
            (1, 0x01, 0) if code.rm == Operand::Register(6) => {
                self.access_msr(node, state.registers[RCX], true, false);
                self.go_on(analysis, node, &code, state);
            }
            (1, 0x32, _) => {
                self.access_msr(node, state.registers[RCX], false, true);
                state.registers[RAX] = DATA;
                state.registers[RDX] = DATA;
                self.go_on(analysis, node, &code, state);
            }
            _ => {
                self.compute(&code, &mut state);
                self.go_on(analysis, node, &code, state);
            }
        }
    }

    /// Which ways go on behind a condition, in the order that [`Branch`] wants, each as whether the
    /// condition holds.
    fn branch(&mut self, node: usize, condition: u8, state: &State) -> [bool; 2] {
        let (branch, ways) = match (state.flags, condition) {
            (Flags::Data, _) => (Branch::Any, [true, false]),
            // Zero or below, and their opposites.
            (Flags::Bit(bit, false), 4) | (Flags::Bit(bit, true), 3) => {
                (Branch::Bit(bit), [false, true])
            }
            (Flags::Bit(bit, false), 5) | (Flags::Bit(bit, true), 2) => {
                (Branch::Bit(bit), [true, false])
            }
            _ => (Branch::Asked, [true, false]),
        };
        self.nodes[node].branch = branch;
        ways
    }

    /// A jump: inside the function, to a part of it elsewhere, or to another function, which then
    /// returns for it.
    fn jump(&mut self, analysis: &mut Analysis<'_>, node: usize, code: &Instruction, state: State) {
        let target = code.target();
        let inside = target > self.start && target - self.start < self.body.len() as u64;
        if inside || target == self.start {
            self.go(node, target, state);
        } else if analysis.is_function(target) {
            // As a node of its own, since only one way of a branch may end here.
            let last = self.end();
            self.nodes[node].next.push(last);
            self.enter(analysis, last, target, &state);
        } else {
            analysis.jumps.insert((code.address, target));
            if let Some(first) = self.fetch(analysis, target) {
                let mut after = state;
                self.compute(&first, &mut after);
                if let Flags::Bit(bit, _) = after.flags {
                    analysis.asked.insert(target, bit);
                }
            }
            self.go(node, target, state);
        }
    }

    fn call(
        &mut self,
        analysis: &mut Analysis<'_>,
        node: usize,
        code: &Instruction,
        mut state: State,
    ) {
        let target = code.target();
        let names = analysis.kernel.symbols.at(target);
        let is_ftrace = |name: &String| {
            matches!(
                name.as_str(),
                "__fentry__" | "ftrace_caller" | "ftrace_regs_caller"
            )
        };
        let in_prologue = code.address.wrapping_sub(self.start) < PROLOGUE;
        if names.iter().any(is_ftrace) || (names.is_empty() && in_prologue) {
            // ftrace, or a trampoline of its.
            self.go_on(analysis, node, code, state);
            return;
        }
        if names.is_empty() {
            analysis.doubt(code.address, "calls code without a name");
        } else if names.iter().any(|name| name.starts_with("__x86_indirect_")) {
            analysis.doubt(code.address, "calls through a pointer");
        }
        self.enter(analysis, node, target, &state);
        clobber(
            &mut state,
            if analysis.reads_msr(target) {
                DATA
            } else {
                Value::Other
            },
        );
        self.go_on(analysis, node, code, state);
    }

    /// What another function does with these arguments.
    fn enter(&mut self, analysis: &mut Analysis<'_>, node: usize, target: u64, state: &State) {
        let (writes, reads) = (analysis.writes_msr(target), analysis.reads_msr(target));
        match state.registers[RDI] {
            Value::Data(Some(number)) if is_destat(number) && !writes && !reads => {
                self.accounted = true;
                self.nodes[node].access.maybe = true;
            }
            number if writes || reads => self.access_msr(node, number, writes, reads),
            _ => (),
        }
        if self.depth < MAX_DEPTH && analysis.leads(target, self.depth + 1) {
            self.nodes[node].call = analysis.follow(target, state.registers, self.depth + 1);
        } else if self.depth == MAX_DEPTH && analysis.has_destat(target) {
            analysis.doubt(
                target,
                "has MCA_DESTAT, and is called too deep to be followed,",
            );
        }
    }

    fn access_msr(&mut self, node: usize, number: Value, writes: bool, reads: bool) {
        let access = &mut self.nodes[node].access;
        access.any |= writes;
        match number {
            Value::Data(Some(number)) if is_destat(number) => {
                self.accounted = true;
                access.write |= writes && !reads;
                access.maybe |= writes && reads;
                access.read |= reads;
            }
            Value::Data(_) => (),
            // Where the number is not known, that it is this one cannot be excluded if it is there.
            _ => {
                access.maybe |= writes
                    && self
                        .body
                        .windows(4)
                        .any(|bytes| mentions(u32::from_le_bytes(bytes.try_into().unwrap()), true));
            }
        }
    }

    /// What an operand holds.
    fn load(&self, state: &State, operand: Operand) -> Value {
        let value = |register: u8| state.registers[usize::from(register)];
        match operand {
            Operand::None => Value::Other,
            Operand::Register(register) => value(register),
            // Of the CPU's own data numbers are read; a bit or a byte may be an answer.
            Operand::Memory(memory) if memory.per_cpu => DATA,
            Operand::Memory(memory) => match (memory.absolute, memory.base, memory.index) {
                (Some(address), _, _) => Value::Loaded(address),
                (_, Some(base), None) if self.on_stack(state, base) => {
                    let tainted = self.stack.contains(&(base, memory.displacement));
                    if tainted {
                        Value::Other
                    } else {
                        DATA
                    }
                }
                (_, Some(base), index) => {
                    let index = index.map_or(DATA, |(index, _)| value(index));
                    match value(base) {
                        Value::Address(address) if memory.index.is_none() => {
                            let displacement = memory.displacement as i64 as u64;
                            Value::Loaded(address.wrapping_add(displacement))
                        }
                        Value::Data(_) if index.is_data() => DATA,
                        _ => Value::Other,
                    }
                }
                _ => Value::Other,
            },
        }
    }

    /// Whether a register points to the stack frame.
    fn on_stack(&self, state: &State, register: u8) -> bool {
        let register = usize::from(register);
        register == RSP || register == RBP && state.registers[RBP].is_data()
    }

    /// Sets an operand.
    fn store(&mut self, state: &mut State, operand: Operand, size: u8, value: Value) {
        match operand {
            Operand::Register(register) => {
                let register = &mut state.registers[usize::from(register)];
                // Less than four bytes leave the rest as it was.
                *register = if size < 4 && !(register.is_data() && value.is_data()) {
                    Value::Other
                } else {
                    value
                };
            }
            Operand::Memory(MemoryOperand {
                base: Some(base),
                index: None,
                displacement,
                ..
            }) if self.on_stack(state, base) && !value.is_data() => {
                for byte in 0..i32::from(size) {
                    self.stack.insert((base, displacement.wrapping_add(byte)));
                }
            }
            _ => (),
        }
    }

    /// What the flags tell after a test of bits.
    fn test(&self, operand: Operand, size: u8, value: Value, mask: i64) -> Flags {
        let mask = mask as u64 & (u64::MAX >> (64 - 8 * u32::from(size)));
        match value {
            Value::Data(_) if !is_answer(operand, size) => Flags::Data,
            Value::Loaded(address) if mask.is_power_of_two() => {
                bit(address, mask.trailing_zeros(), false)
            }
            _ => Flags::Other,
        }
    }

    /// An instruction that goes on to the next one.
    fn compute(&mut self, code: &Instruction, state: &mut State) {
        let reg = Operand::Register(code.reg);
        let rm_value = self.load(state, code.rm);
        let reg_value = state.registers[usize::from(code.reg)];
        let size = code.size;
        let compare = |a: Value, b: Value| {
            if a.is_data() && b.is_data() && !is_answer(code.rm, size) {
                Flags::Data
            } else {
                Flags::Other
            }
        };
        let same = code.rm == reg;
        match (code.map, code.opcode, code.reg & 7) {
            // MOV, LEA.
            (0, 0x88 | 0x89, _) => self.store(state, code.rm, size, reg_value),
            (0, 0x8a | 0x8b, _) => self.store(state, reg, size, rm_value),
            (0, 0xb0..=0xbf, _) => {
                self.store(state, reg, size, Value::of_constant(code.immediate));
            }
            (0, 0xc6 | 0xc7, 0) => {
                self.store(state, code.rm, size, Value::of_constant(code.immediate));
            }
            (0, 0x8d, _) => {
                let value = address_of(code.rm, state);
                self.store(state, reg, size, value);
            }
            // MOVSXD, MOVZX, MOVSX: of a byte, it may be an answer.
            (0, 0x63, _) | (1, 0xb6 | 0xb7 | 0xbe | 0xbf, _) => {
                let bytes = if code.map == 1 && code.opcode & 1 == 0 {
                    1
                } else {
                    4
                };
                let value = if is_answer(code.rm, bytes) {
                    Value::Other
                } else {
                    rm_value
                };
                self.store(state, reg, size, value);
            }
            // CMP, TEST, BT.
            (0, 0x38..=0x3b, _) => state.flags = compare(reg_value, rm_value),
            (0, 0x3c | 0x3d, _) if code.immediate == X86_VENDOR_AMD => state.flags = Flags::Data,
            (0, 0x3c | 0x3d, _) => state.flags = compare(state.registers[RAX], DATA),
            // Whose CPU it is, is known.
            (0, 0x80 | 0x81 | 0x83, 7) if code.immediate == X86_VENDOR_AMD => {
                state.flags = Flags::Data;
            }
            (0, 0x80 | 0x81 | 0x83, 7) => state.flags = compare(rm_value, DATA),
            (0, 0x84 | 0x85, _) => state.flags = compare(reg_value, rm_value),
            (0, 0xa8 | 0xa9, _) => {
                let value = state.registers[RAX];
                state.flags = self.test(Operand::None, size, value, code.immediate);
            }
            (0, 0xf6 | 0xf7, 0 | 1) => {
                state.flags = self.test(code.rm, size, rm_value, code.immediate);
            }
            (1, 0xa3, _) => state.flags = compare(reg_value, rm_value),
            (1, 0xba, 4) => {
                state.flags = match rm_value {
                    Value::Loaded(address) => bit(address, code.immediate as u32 & 63, true),
                    value => compare(value, DATA),
                };
            }
            // ADD, OR, AND, SUB, XOR of a register or an operand in memory.
            (0, 0x00..=0x3f, _) if code.opcode & 7 < 4 => {
                let (to, value) = if code.opcode & 2 == 0 {
                    (code.rm, rm_value)
                } else {
                    (reg, reg_value)
                };
                let other = if code.opcode & 2 == 0 {
                    reg_value
                } else {
                    rm_value
                };
                let result = match code.opcode >> 3 {
                    5 | 6 if same => DATA,
                    0 | 1 | 4 => value.with(other),
                    _ if value.is_data() && other.is_data() => DATA,
                    _ => Value::Other,
                };
                state.flags = if same {
                    compare(result, DATA)
                } else {
                    compare(value, other)
                };
                self.store(state, to, size, result);
            }
            // The same with a constant.
            (0, 0x00..=0x3f, _) => {
                let rax = Operand::Register(RAX as u8);
                self.add(code, state, rax, code.opcode >> 3);
            }
            (0, 0x80 | 0x81 | 0x83, operation) => self.add(code, state, code.rm, operation),
            // INC and DEC; NOT, NEG; shifts, of which those by four lead from banks to MSRs.
            (0, 0xfe | 0xff, 0 | 1) | (0, 0xf6 | 0xf7, 2 | 3) => {
                state.flags = compare(rm_value, DATA);
                let value = if rm_value.is_data() {
                    DATA
                } else {
                    Value::Other
                };
                self.store(state, code.rm, size, value);
            }
            (0, 0xc0 | 0xc1 | 0xd0..=0xd3, operation) => {
                let value = match rm_value {
                    Value::Data(Some(number))
                        if operation & 5 == 4 && code.opcode & 0xf0 == 0xc0 =>
                    {
                        Value::Data(number.checked_shl(code.immediate as u32).and_then(smca))
                    }
                    Value::Data(_) => DATA,
                    _ => Value::Other,
                };
                state.flags = compare(rm_value, DATA);
                self.store(state, code.rm, size, value);
            }
            // IMUL, MUL and DIV.
            (0, 0x69 | 0x6b, _) | (1, 0xaf, _) => {
                let data = rm_value.is_data() && (code.map == 0 || reg_value.is_data());
                self.store(state, reg, size, if data { DATA } else { Value::Other });
                state.flags = Flags::Other;
            }
            (0, 0xf6 | 0xf7, _) => {
                let data = rm_value.is_data() && state.registers[RAX].is_data();
                state.registers[RAX] = if data { DATA } else { Value::Other };
                state.registers[RDX] = state.registers[RAX];
                state.flags = Flags::Other;
            }
            // SETcc, of which the answer is in a register then.
            (1, 0x90..=0x9f, _) => {
                let value = if state.flags == Flags::Data {
                    DATA
                } else {
                    Value::Other
                };
                self.store(state, code.rm, size, value);
            }
            // RDTSC; string instructions, which count in registers.
            (1, 0x31, _) => (state.registers[RAX], state.registers[RDX]) = (DATA, DATA),
            (0, 0xa4 | 0xa5 | 0xaa | 0xab, _) => {
                for register in [RCX, 6, RDI] {
                    if !state.registers[register].is_data() {
                        state.registers[register] = Value::Other;
                    }
                }
            }
            // PUSH and what has no result: NOP, fences, string and flag instructions, WRMSR.
            (0, 0x50..=0x57 | 0x68 | 0x6a | 0x90 | 0x98 | 0x99 | 0x9b | 0x9c, _) => (),
            (0, 0xf4 | 0xf8..=0xfd, _) | (0, 0xff, 6) => (),
            (1, 0x0b | 0x0d | 0x18..=0x1f | 0xae | 0x08 | 0x09, _) => (),
            (map, ..) if map & VECTOR != 0 => (),
            // POP, and what is not looked into: of the registers it names nothing is known then.
            _ => {
                if code.map != 0 || !matches!(code.opcode, 0x58..=0x5f) {
                    state.flags = Flags::Other;
                    for register in [RAX, RCX, RDX] {
                        state.registers[register] = Value::Other;
                    }
                    self.store(state, code.rm, 8, Value::Other);
                }
                self.store(state, reg, 8, Value::Other);
            }
        }
    }

    /// An operand and a constant: 0 to 7 are ADD, OR, ADC, SBB, AND, SUB, XOR, CMP.
    fn add(&mut self, code: &Instruction, state: &mut State, operand: Operand, operation: u8) {
        let value = self.load(state, operand);
        let constant = code.immediate as u32;
        let result = match (operation, value) {
            (0, Value::Data(_)) => value.plus(constant),
            (5, Value::Data(_)) => value.plus(constant.wrapping_neg()),
            (1, Value::Data(Some(number))) => Value::Data(smca(number | constant)),
            (1, Value::Data(None)) => value.plus(constant),
            (_, Value::Data(_)) => DATA,
            _ => Value::Other,
        };
        state.flags = if operation == 4 {
            self.test(operand, code.size, value, code.immediate)
        } else if value.is_data() && !is_answer(operand, code.size) {
            Flags::Data
        } else {
            Flags::Other
        };
        if operand != Operand::Register(RSP as u8) && operation != 7 {
            self.store(state, operand, code.size, result);
        }
    }
}

/// A byte of this CPU's data may be the answer to a question, as a larger number is not.
fn is_answer(operand: Operand, size: u8) -> bool {
    matches!(operand, Operand::Memory(memory) if memory.per_cpu && size < 4)
}

fn bit(address: u64, number: u32, carry: bool) -> Flags {
    Flags::Bit(
        (
            address.wrapping_add(u64::from(number / 8)),
            1 << (number % 8),
        ),
        carry,
    )
}

/// What LEA makes of an operand.
fn address_of(operand: Operand, state: &State) -> Value {
    let Operand::Memory(memory) = operand else {
        return Value::Other;
    };
    if let Some(address) = memory.absolute {
        return Value::of_constant(address as i64);
    }
    let value = |register: u8| state.registers[usize::from(register)];
    let base = memory.base.map_or(DATA, value);
    let index = match memory.index {
        None => None,
        // Shifted, the constant that was in it is another.
        Some((index, scale)) => match value(index) {
            Value::Data(Some(number)) => Some(Value::Data(smca(number.wrapping_mul(scale.into())))),
            value => Some(value),
        },
    };
    let sum = index.map_or(base, |index| base.with(index));
    sum.plus(memory.displacement as u32)
}

/// After a call, with what it returned. Other registers that it may change, compilers read only if
/// they know that it does not.
fn clobber(state: &mut State, returned: Value) {
    state.registers[RAX] = returned;
    state.registers[RDX] = Value::Other;
    state.flags = Flags::Other;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made;
    use crate::made::function;
    use crate::made::go;
    use crate::made::Addresses;

    const OTHER: u64 = made::DATA + 64;

    /// What a kernel does in which machine_check_poll() is that, and its own functions those.
    fn judge(poll: Vec<u8>, functions: &[(&str, Vec<u8>)]) -> Finding {
        judge_as(poll, functions, false)
    }

    /// The same, of one that runs.
    fn judge_as(poll: Vec<u8>, functions: &[(&str, Vec<u8>)], runs: bool) -> Finding {
        let mut all = vec![
            ("start_kernel", vec![0xc3]),
            (POLL, poll),
            ("mce_rdmsrq", b"\x89\xf9\x0f\x32\xc3".to_vec()),
            ("mce_wrmsrq", b"\x89\xf9\x0f\x30\xc3".to_vec()),
        ];
        all.extend(functions.iter().cloned());
        let kernel = made::vmlinux(
            &all,
            &[("mce_flags", made::DATA), ("other", OTHER)],
            Addresses::Up,
        );
        let elf = Elf::new(kernel).unwrap();
        let symbols = crate::kallsyms::of_image(&elf).unwrap();
        look(&Kernel {
            symbols: &symbols,
            memory: &elf,
            image: (!runs).then_some(&elf),
        })
    }

    /// TESTB $mask, address(%rip); JZ over `code`; which all stands at `at`.
    fn unless(at: u64, address: u64, mask: u8, code: &[u8]) -> Vec<u8> {
        let distance = address.wrapping_sub(at + 7) as u32;
        let jump = [0x74, code.len() as u8];
        [
            &[0xf6, 0x05],
            &distance.to_le_bytes()[..],
            &[mask],
            &jump,
            code,
        ]
        .concat()
    }

    /// MOV $0xc0002008, %edi; a call of mce_wrmsrq() or of mce_rdmsrq(); which stands at `at`.
    fn access(at: u64, writes: bool) -> Vec<u8> {
        let to = function(if writes { 3 } else { 2 });
        [&[0xbf, 0x08, 0x20, 0x00, 0xc0][..], &go(0xe8, at + 5, to)].concat()
    }

    const AT: u64 = made::TEXT + made::STEP;
    const RETURN: [u8; 1] = [0xc3];

    #[test]
    fn an_inlined_write_is_found() {
        let poll = [&access(AT, true)[..], &RETURN].concat();
        assert_eq!(judge(poll, &[]), Finding::Writes(Place::Inlined));
    }

    #[test]
    fn a_write_in_what_is_called_is_found_whatever_its_name() {
        for (name, place) in [
            ("amd_clear_bank", Place::Hooked),
            ("amd_clear_bank.llvm.4711", Place::Hooked),
            ("amd_clear_bank.isra.0", Place::NotHooked),
            ("anything", Place::NotHooked),
        ] {
            let poll = [go(0xe8, AT, function(4)), RETURN.to_vec()].concat();
            let clear = [access(function(4), true), RETURN.to_vec()].concat();
            assert_eq!(
                judge(poll, &[(name, clear)]),
                Finding::Writes(place),
                "{name}"
            );
        }
    }

    #[test]
    fn a_check_is_found() {
        let poll = [
            unless(AT, made::DATA, 4, &access(AT + 9, true)),
            RETURN.to_vec(),
        ]
        .concat();
        assert_eq!(judge(poll, &[]), Finding::Checks);
    }

    #[test]
    fn another_check_may_be_one() {
        for (address, mask) in [(OTHER, 4), (made::DATA, 8), (made::DATA + 1, 4)] {
            let poll = [
                unless(AT, address, mask, &access(AT + 9, true)),
                RETURN.to_vec(),
            ]
            .concat();
            let finding = judge(poll, &[]);
            assert!(matches!(&finding, Finding::Unknown(why) if why.contains("unknown form")));
        }
    }

    #[test]
    fn reading_is_not_writing() {
        let read = unless(AT, made::DATA, 4, &access(AT + 9, false));
        // MOV $0x401, %edi
        let status = [0xbf, 0x01, 0x04, 0x00, 0x00];
        let clear = go(0xe8, AT + (read.len() + status.len()) as u64, function(3));
        let poll = [&read[..], &status, &clear, &RETURN].concat();
        assert_eq!(judge(poll, &[]), Finding::NoWrite);
    }

    #[test]
    fn a_breakpoint_hides_what_was_there() {
        let write = [&[INT3][..], &access(AT + 1, true), &RETURN].concat();
        for runs in [false, true] {
            let finding = judge_as(write.clone(), &[], runs);
            assert!(matches!(&finding, Finding::Unknown(why) if why.contains("a breakpoint")));
        }
        // It is no breakpoint behind the last instruction.
        let padding = [&access(AT, true)[..], &[INT3; 3]].concat();
        assert_eq!(
            judge_as(padding, &[], true),
            Finding::Writes(Place::Inlined)
        );
    }

    #[test]
    fn a_write_three_calls_deep_is_found() {
        let calls =
            |at: usize| [go(0xe8, function(at), function(at + 1)), RETURN.to_vec()].concat();
        let poll = [go(0xe8, AT, function(4)), RETURN.to_vec()].concat();
        let write = [access(function(6), true), RETURN.to_vec()].concat();
        let finding = judge(
            poll,
            &[
                ("clear", calls(4)),
                ("amd_clear_bank", calls(5)),
                ("helper", write),
            ],
        );
        assert_eq!(finding, Finding::Writes(Place::Hooked));
    }

    #[test]
    fn what_cannot_be_followed_may_be_anything() {
        for (code, why) in [
            (&b"\x06"[..], "not known"),
            (b"\xff\xd0\xc3", "calls through a pointer"),
            (b"\xff\xe0", "jumps through a pointer"),
            (b"\xc3\xbf\x08\x20\x00\xc0", "nothing seems to reach"),
            (b"\xbf\x08\x20\x00\xc0\xc3", "cannot be told"),
            (b"\xc3", "does not poll"),
        ] {
            let finding = judge(code.to_vec(), &[]);
            assert!(
                matches!(&finding, Finding::Unknown(said) if said.contains(why)),
                "{finding:?}"
            );
        }
    }

    #[test]
    fn a_missing_name_is_no_proof() {
        let look = |names: &[&str]| {
            let symbols = Symbols::new(names.iter().map(|name| (name.to_string(), 0)));
            let elf = Elf::new(made::vulnerable(Addresses::Up)).unwrap();
            look(&Kernel {
                symbols: &symbols,
                memory: &elf,
                image: None,
            })
        };
        assert_eq!(look(&["schedule"]), Finding::NoPoll);
        assert!(matches!(
            look(&["schedule", "mce_log"]),
            Finding::Unknown(_)
        ));
    }
}
