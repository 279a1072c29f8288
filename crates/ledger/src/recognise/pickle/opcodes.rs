//! The stack machine of pickles, on symbolic values.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Read};
use std::rc::Rc;

use super::Pickle;

/// Opcodes that are followed.
const OPCODES_MAX: usize = 4_000_000;
/// Values on the stack, and in the memo.
const VALUES_MAX: usize = 2_000_000;
/// Classes that are named.
const CLASSES_MAX: usize = 512;
/// The part of a text that is kept: names are short.
const TEXT_BYTES_MAX: usize = 512;
/// A line of protocol 0.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Items of a tuple that are kept.
const ITEMS_MAX: usize = 64;
/// How deep kept values nest; deeper ones are forgotten, so that dropping them never overflows the stack.
const DEPTH_MAX: u8 = 4;
/// Pickles inside joblib's arrays of objects.
const NESTING_MAX: usize = 8;

/// The entries of a dict that matter, shared by all that refer to it.
type Entries = Rc<RefCell<Vec<(Rc<str>, Symbol)>>>;

/// What is known of a value.
#[derive(Clone)]
enum Symbol {
    None,
    Int(i64),
    Text(Rc<str>),
    Tuple(Rc<(u8, Vec<Symbol>)>),
    /// A class or function, by name.
    Global(Rc<str>),
    /// What calling it gives, and the arguments.
    Object(Rc<(u8, Rc<str>, Vec<Symbol>)>),
    Dict(Entries),
    Other,
}

impl Symbol {
    fn depth(&self) -> u8 {
        match self {
            Self::Tuple(tuple) => tuple.0,
            Self::Object(object) => object.0,
            _ => 0,
        }
    }

    /// As a part of another value.
    fn nested(self) -> Self {
        if matches!(self, Self::Dict(_)) || self.depth() >= DEPTH_MAX { Self::Other } else { self }
    }

    fn tuple(items: Vec<Self>) -> Self {
        let items: Vec<Self> = items.into_iter().take(ITEMS_MAX).map(Self::nested).collect();
        let depth = items.iter().map(Self::depth).max().unwrap_or(0) + 1;
        Self::Tuple(Rc::new((depth, items)))
    }

    fn object(class: &Rc<str>, arguments: Self) -> Self {
        let items = match arguments {
            Self::Tuple(tuple) => tuple.1.clone(),
            _ => Vec::new(),
        };
        let depth = items.iter().map(Self::depth).max().unwrap_or(0) + 1;
        if depth > DEPTH_MAX {
            Self::Object(Rc::new((1, class.clone(), Vec::new())))
        } else {
            Self::Object(Rc::new((depth, class.clone(), items)))
        }
    }

    fn class(&self) -> Option<&Rc<str>> {
        match self {
            Self::Object(object) => Some(&object.1),
            _ => None,
        }
    }
}

/// Keys of dicts whose values matter: joblib's description of an array, and versions.
const KEYS: &[&str] = &["shape", "dtype", "numpy_array_alignment_bytes", "_sklearn_version"];

/// The machine.
pub struct Machine<'a, 'b> {
    stream: &'a mut (dyn BufRead + 'b),
    nesting: usize,
    stack: Vec<Symbol>,
    marks: Vec<usize>,
    memo: HashMap<u64, Symbol>,
    memos: u64,
    opcodes: usize,
    read: Pickle,
}

/// The stream ended, or is no pickle.
struct Stop;

impl<'a, 'b> Machine<'a, 'b> {
    pub fn new(stream: &'a mut (dyn BufRead + 'b)) -> Self {
        Self {
            stream,
            nesting: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            memos: 0,
            opcodes: 0,
            read: Pickle::default(),
        }
    }

    /// Follows the program to its end, or as far as it makes sense.
    pub fn run(mut self) -> Pickle {
        self.read.complete = self.follow().is_ok();
        self.read
    }

    fn follow(&mut self) -> Result<(), Stop> {
        while self.opcodes < OPCODES_MAX && self.stack.len() < VALUES_MAX && self.memo.len() < VALUES_MAX {
            self.opcodes += 1;
            let opcode = self.byte()?;
            if opcode == b'.' {
                self.read.top = self.stack.last().and_then(Symbol::class).map(|class| class.to_string());
                return Ok(());
            }
            self.step(opcode)?;
        }
        Err(Stop)
    }

    fn step(&mut self, opcode: u8) -> Result<(), Stop> {
        match opcode {
            // frames and protocol
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            // numbers
            b'J' => self.int::<4>()?,
            b'K' => self.int::<1>()?,
            b'M' => self.int::<2>()?,
            b'I' | b'L' => {
                let line = self.line()?;
                let symbol = line.trim_end_matches('L').parse().map_or(Symbol::Other, Symbol::Int);
                self.stack.push(symbol);
            }
            0x8a => {
                let length = self.length::<1>()?;
                self.long(length)?;
            }
            0x8b => {
                let length = self.length::<4>()?;
                self.long(length)?;
            }
            b'F' => {
                self.line()?;
                self.stack.push(Symbol::Other);
            }
            b'G' => {
                self.skip(8)?;
                self.stack.push(Symbol::Other);
            }
            b'N' => self.stack.push(Symbol::None),
            0x88 | 0x89 => self.stack.push(Symbol::Other),
            _ => self.step_text(opcode)?,
        }
        Ok(())
    }

    fn step_text(&mut self, opcode: u8) -> Result<(), Stop> {
        match opcode {
            b'S' | b'V' => {
                let line = self.line()?;
                self.stack.push(Symbol::Text(line.trim_matches(['\'', '"']).into()));
            }
            b'X' | b'T' => self.text::<4>()?,
            b'U' | 0x8c => self.text::<1>()?,
            0x8d => self.text::<8>()?,
            b'B' => self.bytes::<4>()?,
            b'C' => self.bytes::<1>()?,
            0x8e | 0x96 => self.bytes::<8>()?,
            0x97 => self.stack.push(Symbol::Other),
            0x98 => {}
            _ => self.step_container(opcode)?,
        }
        Ok(())
    }

    fn step_container(&mut self, opcode: u8) -> Result<(), Stop> {
        match opcode {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()),
            b'1' => drop(self.marked()?),
            b'2' => {
                let top = self.stack.last().cloned().ok_or(Stop)?;
                self.stack.push(top);
            }
            b')' => self.stack.push(Symbol::tuple(Vec::new())),
            b'}' => self.stack.push(Symbol::Dict(Rc::default())),
            b']' | 0x8f => self.stack.push(Symbol::Other),
            b't' => {
                let items = self.marked()?;
                self.stack.push(Symbol::tuple(items));
            }
            b'l' | 0x91 => {
                self.marked()?;
                self.stack.push(Symbol::Other);
            }
            b'd' => {
                let items = self.marked()?;
                self.stack.push(Symbol::Dict(Rc::default()));
                self.fill(&items);
            }
            0x85..=0x87 => {
                let at = self.stack.len().checked_sub(usize::from(opcode - 0x84)).ok_or(Stop)?;
                let items = self.stack.split_off(at);
                self.stack.push(Symbol::tuple(items));
            }
            b'a' => drop(self.pop()),
            b'e' | 0x90 => drop(self.marked()?),
            b's' => {
                let (value, key) = (self.pop(), self.pop());
                self.fill(&[key, value]);
            }
            b'u' => {
                let items = self.marked()?;
                self.fill(&items);
            }
            _ => self.step_memo(opcode)?,
        }
        Ok(())
    }

    fn step_memo(&mut self, opcode: u8) -> Result<(), Stop> {
        let key = match opcode {
            b'p' | b'g' => self.line()?.parse().map_err(|_| Stop)?,
            b'q' | b'h' => self.length::<1>()?,
            b'r' | b'j' => self.length::<4>()?,
            0x94 => self.memos,
            _ => return self.step_object(opcode),
        };
        if matches!(opcode, b'g' | b'h' | b'j') {
            self.stack.push(self.memo.get(&key).cloned().unwrap_or(Symbol::Other));
        } else {
            self.memos += 1;
            let top = self.stack.last().cloned().ok_or(Stop)?;
            self.memo.insert(key, top);
        }
        Ok(())
    }

    fn step_object(&mut self, opcode: u8) -> Result<(), Stop> {
        match opcode {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&module, &name);
            }
            0x93 => {
                let (name, module) = (self.pop(), self.pop());
                match (module, name) {
                    (Symbol::Text(module), Symbol::Text(name)) => self.global(&module, &name),
                    _ => self.stack.push(Symbol::Other),
                }
            }
            b'R' | 0x81 => {
                let (arguments, callee) = (self.pop(), self.pop());
                self.call(callee, arguments);
            }
            0x92 => {
                let (_, arguments, callee) = (self.pop(), self.pop(), self.pop());
                self.call(callee, arguments);
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let arguments = Symbol::tuple(self.marked()?);
                self.global(&module, &name);
                let callee = self.pop();
                self.call(callee, arguments);
            }
            b'o' => {
                let mut items = self.marked()?.into_iter();
                let callee = items.next().ok_or(Stop)?;
                self.call(callee, Symbol::tuple(items.collect()));
            }
            b'b' => {
                let state = self.pop();
                self.build(&state)?;
            }
            // references to what is outside the pickle
            b'P' => {
                self.line()?;
                self.stack.push(Symbol::Other);
            }
            b'Q' => {
                self.pop();
                self.stack.push(Symbol::Other);
            }
            0x82..=0x84 => {
                self.skip([1, 2, 4][usize::from(opcode - 0x82)])?;
                self.stack.push(Symbol::Other);
            }
            _ => return Err(Stop),
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) {
        let class: Rc<str> = format!("{module}.{name}").into();
        if self.read.classes.len() < CLASSES_MAX && !self.read.classes.iter().any(|known| **known == *class) {
            self.read.classes.push(class.to_string());
        }
        self.stack.push(Symbol::Global(class));
    }

    fn call(&mut self, callee: Symbol, arguments: Symbol) {
        let symbol = match callee {
            // copyreg._reconstructor(class, base, state) and copyreg.__newobj__(class, …) build an object of their first argument
            Symbol::Global(name) if name.ends_with("._reconstructor") || name.ends_with(".__newobj__") => match &arguments {
                Symbol::Tuple(items) => match items.1.first() {
                    Some(Symbol::Global(class)) => Symbol::object(class, Symbol::None),
                    _ => Symbol::Other,
                },
                _ => Symbol::Other,
            },
            Symbol::Global(class) => Symbol::object(&class, arguments),
            _ => Symbol::Other,
        };
        self.stack.push(symbol);
    }

    /// Entries go into the dict on top of the stack: those that matter.
    fn fill(&mut self, items: &[Symbol]) {
        // weights by name: an ordered dict, or keys such as `layer.weight`
        let ordered = self.stack.last().and_then(Symbol::class).is_some_and(|class| &**class == "collections.OrderedDict");
        self.read.weights |= ordered && !items.is_empty();
        for pair in items.chunks_exact(2) {
            let [Symbol::Text(key), value] = pair else { continue };
            self.read.weights |= key.ends_with(".weight") || key.ends_with(".bias") || key.ends_with("state_dict");
            if !KEYS.contains(&key.as_ref()) {
                continue;
            }
            if let (true, Symbol::Text(version)) = (key.ends_with("_version"), value) {
                self.read.versions.insert(key.to_string(), version.to_string());
            }
            if let Some(Symbol::Dict(dict)) = self.stack.last() {
                let mut dict = dict.borrow_mut();
                if dict.len() < ITEMS_MAX {
                    dict.push((key.clone(), value.clone().nested()));
                }
            }
        }
    }

    /// `BUILD`: the moment at which joblib reads the raw bytes of an array.
    fn build(&mut self, state: &Symbol) -> Result<(), Stop> {
        let wrapper = self.stack.last().and_then(Symbol::class).is_some_and(|class| class.ends_with("numpy_pickle.NumpyArrayWrapper"));
        let Symbol::Dict(state) = state else { return Ok(()) };
        if !wrapper {
            return Ok(());
        }
        self.read.arrays = true;
        let state: BTreeMap<Rc<str>, Symbol> = state.borrow().iter().cloned().collect();
        let dtype = match state.get("dtype") {
            Some(Symbol::Object(object)) => match object.2.first() {
                Some(Symbol::Text(text)) => text.clone(),
                _ => return Err(Stop),
            },
            _ => return Err(Stop),
        };
        if dtype.starts_with('O') {
            return self.inner();
        }
        if let Some(Symbol::Int(_)) = state.get("numpy_array_alignment_bytes") {
            let padding = self.byte()?;
            self.skip(u64::from(padding))?;
        }
        let shape = match state.get("shape") {
            Some(Symbol::Tuple(items)) => items.1.clone(),
            _ => return Err(Stop),
        };
        let mut bytes = item_bytes(&dtype).ok_or(Stop)?;
        for length in shape {
            let Symbol::Int(length) = length else { return Err(Stop) };
            bytes = u64::try_from(length).ok().and_then(|length| bytes.checked_mul(length)).ok_or(Stop)?;
        }
        self.skip(bytes)
    }

    /// An array of objects is a pickle inside the pickle.
    fn inner(&mut self) -> Result<(), Stop> {
        if self.nesting >= NESTING_MAX {
            return Err(Stop);
        }
        let mut machine = Machine::new(&mut *self.stream);
        (machine.nesting, machine.opcodes) = (self.nesting + 1, self.opcodes);
        let ended = machine.follow();
        let (opcodes, read) = (machine.opcodes, machine.read);
        self.opcodes = opcodes;
        for class in read.classes {
            if self.read.classes.len() < CLASSES_MAX && !self.read.classes.contains(&class) {
                self.read.classes.push(class);
            }
        }
        self.read.versions.extend(read.versions);
        ended
    }

    fn pop(&mut self) -> Symbol {
        // a pop below a mark or an empty stack is a broken pickle; going on finds more than giving up
        self.stack.pop().unwrap_or(Symbol::Other)
    }

    fn marked(&mut self) -> Result<Vec<Symbol>, Stop> {
        let at = self.marks.pop().ok_or(Stop)?;
        if at > self.stack.len() {
            return Err(Stop);
        }
        Ok(self.stack.split_off(at))
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).map_err(|_| Stop)?;
        Ok(byte[0])
    }

    fn length<const N: usize>(&mut self) -> Result<u64, Stop> {
        let mut bytes = [0; 8];
        self.stream.read_exact(&mut bytes[..N]).map_err(|_| Stop)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn int<const N: usize>(&mut self) -> Result<(), Stop> {
        let value = self.length::<N>()?;
        // only the four-byte form is signed
        let value = if N == 4 { i64::from(value as u32 as i32) } else { value as i64 };
        self.stack.push(Symbol::Int(value));
        Ok(())
    }

    fn long(&mut self, length: u64) -> Result<(), Stop> {
        let symbol = if length <= 8 {
            let mut bytes = [0; 8];
            let length = length as usize;
            self.stream.read_exact(&mut bytes[..length]).map_err(|_| Stop)?;
            if length > 0 && bytes[length - 1] & 0x80 != 0 {
                bytes[length..].fill(0xff);
            }
            Symbol::Int(i64::from_le_bytes(bytes))
        } else {
            self.skip(length)?;
            Symbol::Other
        };
        self.stack.push(symbol);
        Ok(())
    }

    fn text<const N: usize>(&mut self) -> Result<(), Stop> {
        let length = self.length::<N>()?;
        let kept = length.min(TEXT_BYTES_MAX as u64) as usize;
        let mut bytes = vec![0; kept];
        self.stream.read_exact(&mut bytes).map_err(|_| Stop)?;
        self.skip(length - kept as u64)?;
        self.stack.push(Symbol::Text(String::from_utf8_lossy(&bytes).into()));
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<(), Stop> {
        let length = self.length::<N>()?;
        self.skip(length)?;
        self.stack.push(Symbol::Other);
        Ok(())
    }

    fn line(&mut self) -> Result<String, Stop> {
        let mut bytes = Vec::new();
        (&mut *self.stream).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).map_err(|_| Stop)?;
        bytes.pop().filter(|last| *last == b'\n').ok_or(Stop)?;
        bytes.truncate(TEXT_BYTES_MAX);
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned())
    }

    fn skip(&mut self, length: u64) -> Result<(), Stop> {
        let skipped = std::io::copy(&mut (&mut *self.stream).take(length), &mut std::io::sink()).map_err(|_| Stop)?;
        (skipped == length).then_some(()).ok_or(Stop)
    }
}

/// Bytes of one item of a numpy type: `f8`, `<U5`, `V64`.
fn item_bytes(dtype: &str) -> Option<u64> {
    let bare = dtype.trim_start_matches(['<', '>', '|', '=']);
    let count: u64 = bare.get(1..)?.parse().ok()?;
    Some(if bare.starts_with('U') { count.checked_mul(4)? } else { count })
}
