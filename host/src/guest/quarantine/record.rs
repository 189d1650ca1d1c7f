//! What each thread runs at the moment, in a file that is mapped into memory: writing to it takes nanoseconds, and what was written is
//! there when the process is not.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use memmap2::MmapMut;
use tempfile::NamedTempFile;

use crate::guest::cache::Digest;
use crate::limits::RECORDED_THREADS_MAX;

/// A record of this process.
pub(super) struct Record {
    /// Never unmapped: a thread may look at its slot for as long as the process lives.
    slots: &'static [Slot],
    /// How many threads have one.
    used: AtomicUsize,
    /// Locked as long as the process lives; goes with this value.
    _file: NamedTempFile,
}

/// What one thread runs.
#[repr(C, align(64))]
struct Slot {
    digest: [AtomicU64; 4],
    state: AtomicU8,
}

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const CRASHED: u8 = 2;

const SLOT_BYTES: usize = size_of::<Slot>();
const FILE_BYTES: usize = SLOT_BYTES * RECORDED_THREADS_MAX;

thread_local! {
    /// The slot of this thread, and the slots of which it is one. Without a destructor, so that a signal handler may read it.
    static OWN: Cell<(*const Slot, &'static [Slot])> = const { Cell::new((ptr::null(), &[])) };
}

/// A thread runs a guest until this is dropped.
pub(crate) struct Noted(Option<&'static Slot>);

impl Record {
    /// Begins a record in a new file.
    pub(super) fn begin(folder: &Path, prefix: &str) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(prefix).tempfile_in(folder)?;
        file.as_file().lock()?;
        file.as_file().set_len(FILE_BYTES as u64)?;
        // SAFETY: the file is new, in a folder that is this user's alone, and nobody truncates it while it is locked: who
        // settles records leaves alone what is locked.
        let map = Box::leak(Box::new(unsafe { MmapMut::map_mut(file.as_file())? }));
        // SAFETY: the map begins at a page, is as long as so many slots, is never unmapped, and is only ever seen as these atomics,
        // for which all zeros is a value.
        let slots = unsafe {
            std::slice::from_raw_parts(map.as_mut_ptr().cast::<Slot>(), RECORDED_THREADS_MAX)
        };
        Ok(Self { slots, used: AtomicUsize::new(0), _file: file })
    }

    /// Notes that this thread runs the component.
    pub(super) fn note(&self, digest: &Digest) -> Noted {
        let slot = self.slot();
        if let Some(slot) = slot {
            for (word, value) in slot.digest.iter().zip(digest.words()) {
                word.store(value, Ordering::Relaxed);
            }
            slot.state.store(RUNNING, Ordering::Release);
        }
        Noted(slot)
    }

    /// This thread's slot; none if there are too many threads, of which this one is then not recorded.
    fn slot(&self) -> Option<&'static Slot> {
        let (own, slots) = OWN.get();
        if ptr::eq(slots, self.slots) {
            // SAFETY: it is null or one of these slots, which are never unmapped.
            return unsafe { own.as_ref() };
        }
        let slot = self.slots.get(self.used.fetch_add(1, Ordering::Relaxed));
        OWN.set((slot.map_or(ptr::null(), ptr::from_ref), self.slots));
        slot
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            slot.state.store(IDLE, Ordering::Release);
        }
    }
}

/// Marks the guest that this thread runs, if it runs one. A signal handler may call this: it reads a thread-local value without a
/// destructor, and exchanges an atomic.
pub(super) fn mark_crashed() {
    let (own, _slots) = OWN.get();
    // SAFETY: it is null or a slot, and slots are never unmapped.
    if let Some(slot) = unsafe { own.as_ref() } {
        let (before, after) = (Ordering::Relaxed, Ordering::Relaxed);
        let _idle = slot.state.compare_exchange(RUNNING, CRASHED, before, after);
    }
}

/// The components that were running when the process of this record crashed.
pub(super) fn crashed(file: &File) -> io::Result<Vec<Digest>> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES as u64).read_to_end(&mut bytes)?;
    let digests = bytes.chunks_exact(SLOT_BYTES).filter_map(|slot| {
        let (digest, rest) = slot.split_first_chunk()?;
        (rest.first() == Some(&CRASHED)).then(|| Digest::from_bytes(*digest))
    });
    Ok(digests.collect())
}
