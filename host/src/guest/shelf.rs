//! The guests that are installed: found by name in the admin's folders, loaded when they are first needed, and again when
//! their file changes, or what lies beside it and decides whether it is trusted.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::Guest;
use super::cache::{Cache, own_folder};
use super::call::Runtime;
use super::compilers::Compilers;
use super::description::is_guest_name;
use super::error::{Error, LoadError, StartError};
use super::listing::Listing;
use super::load::{Load, linker};
use super::loader::{Job, Loaded, Loader};
use super::quarantine::Quarantine;
use super::trust::Trust;
use crate::budget::Budget;
use crate::limits::Limits;
use crate::metrics::Metrics;

/// All installed guests.
pub struct Guests {
    folders: Vec<PathBuf>,
    /// Which files beside a guest's count as well.
    trust: Trust,
    slots: Mutex<HashMap<String, Slot>>,
    jobs: mpsc::UnboundedSender<Job<Loaded>>,
    pub(super) listing: Listing,
}

/// One guest by its name.
struct Slot {
    /// The file that was loaded.
    stamp: Stamp,
    /// None while it is loading.
    loaded: watch::Receiver<Option<Loaded>>,
    /// What was loaded of the file before it changed; serves until the new one can.
    before: Option<Arc<Guest>>,
}

/// Tells a file, and those beside it that decide whether it is trusted, from what they were before.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) path: PathBuf,
    file: FileStamp,
    /// None for one that is not there.
    beside: Vec<Option<FileStamp>>,
}

/// Tells a file from what it was before.
#[derive(Clone, PartialEq, Eq)]
struct FileStamp {
    length: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// Device and inode.
    file: (u64, u64),
}

impl FileStamp {
    fn new(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            file: (metadata.dev(), metadata.ino()),
        }
    }
}

impl Guests {
    /// The guests in `folders`, of which the first that has a name counts, and what loads them. `program` is this very
    /// binary, which compiles in a process of its own; compiled guests are kept in `cache`, if there is one. `trust` says which
    /// files are guests at all.
    ///
    /// Nothing is loaded yet, so this takes as long with 500 guests as with one.
    pub fn start(
        limits: &Limits,
        folders: Vec<PathBuf>,
        cache: Option<&Path>,
        program: PathBuf,
        trust: Trust,
        budget: Arc<Budget>,
        metrics: Metrics,
    ) -> Result<(Self, Loader), StartError> {
        let folder = cache.filter(|folder| or_warn(own_folder(folder)).is_some());
        // Before wasmtime is set up: both want to hear of crashes.
        let quarantine = folder.and_then(|folder| or_warn(Quarantine::open(folder)));
        let runtime = Arc::new(Runtime::start(limits, budget, quarantine, metrics)?);
        let linker = linker(&runtime)?;
        let cache = folder.and_then(|folder| or_warn(Cache::open(folder, &runtime.engine)));
        let (jobs, loads) = mpsc::unbounded_channel();
        let (listed, descriptions) = mpsc::unbounded_channel();
        let compilers = Compilers::new();
        let load =
            Arc::new(Load { runtime, linker, cache, compilers, program, trust: trust.clone() });
        let listing = Listing::new(listed);
        let guests = Self { folders, trust, slots: Mutex::default(), jobs, listing };
        Ok((guests, Loader { load, loads, descriptions }))
    }

    /// The guest with this name, as soon as it is loaded.
    pub async fn find(&self, name: &str, deadline: Instant) -> Result<Arc<Guest>, Error> {
        let not_loaded = |error| Error::NotLoaded { name: name.to_owned(), error };
        let loaded = match self.look_up(name) {
            Ok(Found::Guest(guest)) => return Ok(guest),
            Ok(Found::Loading(loaded)) => loaded,
            Err(Some(error)) => return Err(not_loaded(Arc::new(error))),
            Err(None) => return Err(self.unknown(name)),
        };
        outcome(name, loaded, deadline).await
    }

    /// The names of all guests that are installed, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        let names = entries.filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".wasm").filter(|name| is_guest_name(name)).map(str::to_owned)
        });
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Looks at the file, which takes a microsecond or two, and starts to load it if it is new. None if there is no file.
    fn look_up(&self, name: &str) -> Result<Found, Option<LoadError>> {
        let stamp = self.locate(name)?.ok_or(None)?;
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(name).filter(|slot| slot.stamp == stamp) {
            let is_retried = match &*slot.loaded.borrow() {
                Some(Ok(guest)) => return Ok(Found::Guest(Arc::clone(guest))),
                Some(Err(error)) => error.is_of_host(),
                None => false,
            };
            if !is_retried {
                return Ok(match &slot.before {
                    Some(guest) => Found::Guest(Arc::clone(guest)),
                    None => Found::Loading(slot.loaded.clone()),
                });
            }
        }
        let before = slots.remove(name).and_then(|slot| slot.before_or_loaded());
        let (done, loaded) = watch::channel(None);
        let job = Job { name: name.to_owned(), path: stamp.path.clone(), done };
        self.jobs.send(job).map_err(|_ended| LoadError::Ending)?;
        let found = match &before {
            Some(guest) => Found::Guest(Arc::clone(guest)),
            None => Found::Loading(loaded.clone()),
        };
        slots.insert(name.to_owned(), Slot { stamp, loaded, before });
        Ok(found)
    }

    /// What there is of a file without waiting: the guest that was loaded of it or serves until it can, or why there is none. None if
    /// that is not known.
    pub(super) fn loaded(&self, name: &str, stamp: &Stamp) -> Option<Loaded> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(name).filter(|slot| slot.stamp == *stamp)?;
        match (&*slot.loaded.borrow(), &slot.before) {
            (Some(Ok(guest)), _) | (_, Some(guest)) => Some(Ok(Arc::clone(guest))),
            (Some(Err(error)), None) if !error.is_of_host() => Some(Err(Arc::clone(error))),
            _ => None,
        }
    }

    pub(super) fn locate(&self, name: &str) -> Result<Option<Stamp>, LoadError> {
        if !is_guest_name(name) {
            return Ok(None);
        }
        for folder in &self.folders {
            let path = folder.join(format!("{name}.wasm"));
            match fs::metadata(&path) {
                // Reading a pipe or a device could take for ever.
                Ok(metadata) if metadata.is_file() => {
                    let file = FileStamp::new(&metadata);
                    let stamp =
                        |path: PathBuf| fs::metadata(path).ok().as_ref().map(FileStamp::new);
                    let beside = self.trust.files(&path).map(stamp).collect();
                    return Ok(Some(Stamp { path, file, beside }));
                }
                Ok(_other) => {
                    let error = io::Error::other("it is not a regular file");
                    return Err(LoadError::Read { path, error });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(LoadError::Read { path, error }),
            }
        }
        Ok(None)
    }

    pub(super) fn unknown(&self, name: &str) -> Error {
        let (name, known, folders) = (name.to_owned(), self.names(), self.folders.clone());
        Error::Unknown { name, known, folders }
    }
}

/// What there is, or a warning of what that means.
fn or_warn<T>(opened: Result<T, impl std::error::Error + 'static>) -> Option<T> {
    let warn = |error: &(dyn std::error::Error + 'static)| {
        tracing::warn!(
            error,
            "Guests are compiled at each start, and one that takes the plugin down is tried again, because there is no folder for \
             that"
        );
    };
    opened.inspect_err(|error| warn(error)).ok()
}

enum Found {
    Guest(Arc<Guest>),
    Loading(watch::Receiver<Option<Loaded>>),
}

impl Slot {
    /// The newest guest that there is of this name.
    fn before_or_loaded(self) -> Option<Arc<Guest>> {
        match &*self.loaded.borrow() {
            Some(Ok(guest)) => Some(Arc::clone(guest)),
            _ => self.before,
        }
    }
}

/// What comes of a file, as soon as that is known.
pub(super) async fn outcome<T: Clone>(
    name: &str,
    mut coming: watch::Receiver<Option<Result<T, Arc<LoadError>>>>,
    deadline: Instant,
) -> Result<T, Error> {
    let timed_out = |_elapsed| Error::TimedOut {
        name: name.to_owned(),
        waiting: "still being loaded, and perhaps compiled, which happens once,",
    };
    let done = timeout_at(deadline, coming.wait_for(Option::is_some)).await.map_err(timed_out)?;
    // The loader ends only with the process.
    let done = done.ok().and_then(|done| done.clone());
    let done = done.unwrap_or_else(|| Err(Arc::new(LoadError::Ending)));
    done.map_err(|error| Error::NotLoaded { name: name.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_looks_at_no_guest_however_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..500 {
            fs::write(folder.path().join(format!("guest-{number}.wasm")), "not even one").unwrap();
        }
        let (folders, metrics) = (vec![folder.path().to_owned()], Metrics::new().unwrap());
        let limits = Limits { guest_calls: 1, ..Limits::default() };
        let (guests, loader) = Guests::start(
            &limits,
            folders,
            None,
            PathBuf::new(),
            Trust::default(),
            Budget::new(&limits),
            metrics.clone(),
        )
        .unwrap();
        assert!(guests.slots.lock().unwrap().is_empty());
        assert!(loader.loads.is_empty() && loader.descriptions.is_empty());
        // What would have been asked for can still be told from what is not there.
        assert_eq!(guests.names().len(), 500);
        assert!(matches!(guests.look_up("guest-0"), Ok(Found::Loading(_))));
        assert_eq!(loader.loads.len(), 1);
        assert!(!metrics.text().unwrap().contains("graft_compile_cache_requests_total{"));
    }
}
