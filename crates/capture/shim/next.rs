//! The next function of a name behind us, found without `dlsym`, which before glibc 2.34 lives in a library that may not be loaded.

use core::ffi::c_void;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::sys::{Chars, bytes};

#[repr(C)]
pub struct Info {
    pub base: usize,
    pub name: Chars,
    pub headers: *const Segment,
    pub count: u16,
}

#[repr(C)]
pub struct Segment {
    pub kind: u32,
    pub flags: u32,
    pub offset: usize,
    pub address: usize,
    pub physical: usize,
    pub file_bytes: usize,
    pub bytes: usize,
    pub align: usize,
}

unsafe extern "C" {
    pub fn dl_iterate_phdr(each: unsafe extern "C" fn(*const Info, usize, *mut c_void) -> i32, data: *mut c_void) -> i32;
}

static ANCHOR: u8 = 0;

/// Whether this module is us.
pub unsafe fn is_own(info: &Info) -> bool {
    let anchor = &raw const ANCHOR as usize;
    // SAFETY: the loader's own headers.
    unsafe { segments(info) }.iter().any(|s| s.kind == 1 && (info.base + s.address..info.base + s.address + s.bytes).contains(&anchor))
}

unsafe fn segments(info: &Info) -> &[Segment] {
    if info.headers.is_null() {
        return &[];
    }
    // SAFETY: the loader's own headers.
    unsafe { core::slice::from_raw_parts(info.headers, info.count as usize) }
}

/// The tables of one module.
#[derive(Default)]
struct Tables {
    base: usize,
    gnu_hash: usize,
    hash: usize,
    symbols: usize,
    strings: usize,
    versions: usize,
}

impl Tables {
    unsafe fn of(info: &Info) -> Self {
        let mut tables = Self { base: info.base, ..Self::default() };
        // SAFETY: the loader's own headers.
        let Some(dynamic) = (unsafe { segments(info) }).iter().find(|s| s.kind == 2) else { return tables };
        let mut entry = (info.base + dynamic.address) as *const [usize; 2];
        loop {
            // SAFETY: the table ends with a zero tag.
            let [tag, value] = unsafe { *entry };
            // musl leaves addresses as they are in the file, relative
            let address = if value < info.base { value.wrapping_add(info.base) } else { value };
            match tag {
                0 => return tables,
                4 => tables.hash = address,
                5 => tables.strings = address,
                6 => tables.symbols = address,
                0x6fff_fef5 => tables.gnu_hash = address,
                0x6fff_fff0 => tables.versions = address,
                _ => {}
            }
            // SAFETY: as above.
            entry = unsafe { entry.add(1) };
        }
    }

    /// The address of symbol `index`, when it is a function of this name, defined here, and not a hidden (older) version.
    unsafe fn matches(&self, index: u32, name: &[u8]) -> Option<usize> {
        // SAFETY: indices come from the hash table of the same module.
        unsafe {
            let symbol = (self.symbols + index as usize * 24) as *const u8;
            let text = bytes((self.strings + symbol.cast::<u32>().read() as usize) as Chars);
            let (info, section) = (symbol.add(4).read(), symbol.add(6).cast::<u16>().read());
            if text != name || section == 0 || !matches!(info & 15, 0 | 2 | 10) {
                return None;
            }
            if self.versions != 0 && ((self.versions + index as usize * 2) as *const u16).read() & 0x8000 != 0 {
                return None;
            }
            let address = self.base + symbol.add(8).cast::<usize>().read();
            if info & 15 == 10 {
                let resolve: extern "C" fn() -> usize = core::mem::transmute(address);
                return Some(resolve());
            }
            Some(address)
        }
    }

    unsafe fn find(&self, name: &[u8]) -> Option<usize> {
        if self.symbols == 0 || self.strings == 0 {
            return None;
        }
        // SAFETY: the loader uses the same tables.
        unsafe {
            if self.gnu_hash != 0 {
                self.find_gnu(name)
            } else if self.hash != 0 {
                self.find_sysv(name)
            } else {
                None
            }
        }
    }

    unsafe fn find_gnu(&self, name: &[u8]) -> Option<usize> {
        let hash = name.iter().fold(5381_u32, |h, c| h.wrapping_mul(33).wrapping_add(u32::from(*c)));
        let table = self.gnu_hash as *const u32;
        // SAFETY: as the layout of DT_GNU_HASH says.
        unsafe {
            let (buckets, offset, bloom_words) = (table.read(), table.add(1).read(), table.add(2).read());
            if buckets == 0 {
                return None;
            }
            let bloom = table.add(4).cast::<u64>();
            let shift = table.add(3).read();
            let word = bloom.add((hash / 64 % bloom_words.max(1)) as usize).read();
            if word >> (hash % 64) & 1 == 0 || word >> ((hash >> shift) % 64) & 1 == 0 {
                return None;
            }
            let bucket = bloom.add(bloom_words as usize).cast::<u32>();
            let chain = bucket.add(buckets as usize);
            let mut index = bucket.add((hash % buckets) as usize).read();
            if index < offset {
                return None;
            }
            loop {
                let have = chain.add((index - offset) as usize).read();
                if have | 1 == hash | 1
                    && let Some(found) = self.matches(index, name)
                {
                    return Some(found);
                }
                if have & 1 != 0 {
                    return None;
                }
                index += 1;
            }
        }
    }

    unsafe fn find_sysv(&self, name: &[u8]) -> Option<usize> {
        let hash = name.iter().fold(0_u32, |h, c| {
            let h = (h << 4).wrapping_add(u32::from(*c));
            let top = h & 0xF000_0000;
            (h ^ top >> 24) & !top
        });
        let table = self.hash as *const u32;
        // SAFETY: as the layout of DT_HASH says.
        unsafe {
            let buckets = table.read();
            if buckets == 0 {
                return None;
            }
            let mut index = table.add(2 + (hash % buckets) as usize).read();
            while index != 0 {
                if let Some(found) = self.matches(index, name) {
                    return Some(found);
                }
                index = table.add(2 + buckets as usize + index as usize).read();
            }
            None
        }
    }
}

struct Search<'a> {
    name: &'a [u8],
    behind: bool,
    found: usize,
}

unsafe extern "C" fn visit(info: *const Info, _: usize, data: *mut c_void) -> i32 {
    // SAFETY: the loader's info, our own search.
    unsafe {
        let (info, search) = (&*info, &mut *data.cast::<Search<'_>>());
        if !search.behind {
            search.behind = is_own(info);
            return 0;
        }
        if bytes(info.name).starts_with(b"linux-vdso") {
            return 0;
        }
        match Tables::of(info).find(search.name) {
            Some(found) => {
                search.found = found;
                1
            }
            None => 0,
        }
    }
}

/// The place of a function, looked up once.
pub struct Slot(AtomicPtr<u8>);

const MISSING: usize = 1;

impl Slot {
    pub const fn new() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// `None` when no library behind us has it.
    #[inline]
    pub fn get(&self, name: &'static [u8]) -> Option<*const u8> {
        match self.0.load(Ordering::Relaxed) as usize {
            0 => self.look(name),
            MISSING => None,
            _ => Some(self.0.load(Ordering::Relaxed)),
        }
    }

    #[cold]
    #[inline(never)]
    fn look(&self, name: &'static [u8]) -> Option<*const u8> {
        let mut search = Search { name, behind: false, found: 0 };
        // SAFETY: the callback fits the data.
        unsafe { dl_iterate_phdr(visit, (&raw mut search).cast()) };
        let found = if search.found == 0 { MISSING } else { search.found };
        self.0.store(found as *mut u8, Ordering::Relaxed);
        (search.found != 0).then_some(search.found as *const u8)
    }
}

/// The next function of this name, as a function pointer in an `Option`.
macro_rules! next {
    ($name:literal, $type:ty) => {{
        static SLOT: $crate::next::Slot = $crate::next::Slot::new();
        // SAFETY: the signature is the C library's.
        SLOT.get($name.as_bytes()).map(|at| unsafe { core::mem::transmute::<*const u8, $type>(at) })
    }};
}
pub(crate) use next;

/// Calls the next function; when no library has it, `ENOSYS`.
macro_rules! call {
    ($name:literal, ($($arg:expr => $type:ty),*) -> $out:ty) => {
        match $crate::next::next!($name, unsafe extern "C" fn($($type),*) -> $out) {
            Some(next) => unsafe { next($($arg),*) },
            None => {
                $crate::sys::set_errno($crate::sys::ENOSYS);
                <$out as $crate::next::Failure>::FAILURE
            }
        }
    };
}
pub(crate) use call;

/// What a function answers when it failed.
pub trait Failure {
    const FAILURE: Self;
}

impl Failure for i32 {
    const FAILURE: Self = -1;
}

impl Failure for isize {
    const FAILURE: Self = -1;
}

impl Failure for *mut u8 {
    const FAILURE: Self = core::ptr::null_mut();
}
