//! From a file to a guest: read, judge whether it is to be trusted, inspect, take from the cache or compile, link, describe.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::time::Instant;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, Linker};

use super::Guest;
use super::bindings::Datasource;
use super::bindings::exports::graft::datasource::describe;
use super::cache::{Cache, Digest, Kind};
use super::call::{Call, Callable, Runtime};
use super::compile::{CompileError, CompileLimits, compile};
use super::compilers::Compilers;
use super::description;
use super::error::{Failure, GuestId, LoadError};
use super::exports::Exports;
use super::extension::{DescribedPace, Extension};
use super::inspect::inspect;
use super::lift;
use super::scan::scan;
use super::state::{HasState, State};
use super::trust::Trust;
use crate::budget::Allowance;
use crate::limits::{COMPONENT_BYTES_MAX, DESCRIBE_TIMEOUT, DESCRIPTION_BYTES_MAX};
use crate::model::Description;

/// What loading needs besides the file.
pub(super) struct Load {
    pub(super) runtime: Arc<Runtime>,
    pub(super) linker: Linker<State>,
    pub(super) cache: Option<Cache>,
    pub(super) compilers: Compilers,
    /// The binary that compiles.
    pub(super) program: PathBuf,
    /// Which files count as guests.
    pub(super) trust: Trust,
}

/// The one function that guests may call; nothing else is there to be linked.
pub(super) fn linker(runtime: &Runtime) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(&runtime.engine);
    Datasource::add_to_linker::<_, HasState>(&mut linker, |state| state)?;
    Ok(linker)
}

impl Load {
    /// Makes a guest of the file `path`, whose name is `name`.wasm.
    pub(super) async fn load(
        self: &Arc<Self>,
        name: &str,
        path: &Path,
    ) -> Result<Guest, LoadError> {
        let start = Instant::now();
        let (component, digest) = self.read(path).await?;
        let cached = self.blocking(move |load| load.cached(&digest)).await?;
        let is_cached = cached.is_some();
        self.runtime.metrics.compile_cache(is_cached);
        let linked = match cached {
            Some(linked) => linked,
            None => self.compiled(name, &component, digest).await?,
        };
        let guest = self.describe(name, linked, digest).await?;
        let described = guest.description.clone();
        self.blocking(move |load| load.keep_description(&digest, &described)).await?;
        let (guest_version, elapsed) = (&guest.description.version, start.elapsed());
        tracing::info!(guest = name, guest_version, is_cached, ?elapsed, "Loaded a guest");
        Ok(guest)
    }

    /// What the guest in the file `path` says about itself, if it was ever loaded; nothing is run to find that out.
    pub(super) async fn known(
        self: &Arc<Self>,
        name: &str,
        path: &Path,
    ) -> Result<Option<Description>, LoadError> {
        let (_component, digest) = self.read(path).await?;
        let known = self.blocking(move |load| load.kept_description(&digest)).await?;
        // The same component may lie there under another name.
        known.map(|known| checked(known, name)).transpose()
    }

    /// A file that may be a guest's.
    async fn read(self: &Arc<Self>, path: &Path) -> Result<(Arc<Vec<u8>>, Digest), LoadError> {
        let file = path.to_owned();
        let component = self.blocking(move |_load| read(&file)).await??;
        let component = Arc::new(component);
        let (bytes, file) = (Arc::clone(&component), path.to_owned());
        let digest = self
            .blocking(move |load| {
                let digest = Digest::of(&bytes);
                load.trust.check(&file, &bytes, &digest)?;
                inspect(&bytes)?;
                load.check_quarantine(&digest)?;
                Ok::<_, LoadError>(digest)
            })
            .await??;
        Ok((component, digest))
    }

    async fn compiled(
        self: &Arc<Self>,
        name: &str,
        component: &Arc<Vec<u8>>,
        digest: Digest,
    ) -> Result<InstancePre<State>, LoadError> {
        let _turn = self.compilers.turn(digest).await;
        // Whoever had the turn before may have compiled the same.
        if let Some(linked) = self.blocking(move |load| load.cached(&digest)).await? {
            return Ok(linked);
        }
        let bytes = Arc::clone(component);
        self.blocking(move |_load| scan(&bytes)).await?.map_err(CompileError::from)?;
        tracing::info!(guest = name, "Compiling a guest, which happens once");
        let code = compile(&self.program, component, CompileLimits::default()).await?;
        self.blocking(move |load| load.keep_and_link(&digest, &code)).await?
    }

    /// Removes what the cache need not keep any more.
    pub(super) async fn prune(self: &Arc<Self>) {
        let pruned = self.blocking(|load| load.cache.as_ref().map(Cache::prune)).await;
        if let Ok(Some(files @ 1..)) = pruned {
            tracing::info!(files, "Removed from the cache what nobody used for long");
        }
    }

    /// Runs what waits for the disk, or for the processor, on a guest's thread.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, LoadError> {
        let load = Arc::clone(self);
        self.runtime.run(move || job(&load)).await.ok_or(LoadError::Panicked)
    }

    fn check_quarantine(&self, digest: &Digest) -> Result<(), LoadError> {
        let mark = self.runtime.quarantine.as_ref().and_then(|marks| marks.mark_of(digest));
        mark.map_or(Ok(()), |mark| Err(LoadError::Quarantined { mark }))
    }

    fn cached(&self, digest: &Digest) -> Option<InstancePre<State>> {
        let code = self.cache.as_ref()?.get(Kind::Code, digest)?;
        // What is in the cache was linked once before it came there, so this fails only if the engine has changed in a
        // way that its hash does not show; then it is compiled again.
        self.link(&code).ok()
    }

    fn keep_and_link(&self, digest: &Digest, code: &[u8]) -> Result<InstancePre<State>, LoadError> {
        let linked = self.link(code)?;
        if let Some(cache) = &self.cache
            && let Err(error) = cache.put(Kind::Code, digest, code)
        {
            tracing::warn!(%error, "A compiled guest cannot be kept, so it is compiled again at the next start");
        }
        Ok(linked)
    }

    fn kept_description(&self, digest: &Digest) -> Option<Description> {
        let text = self.cache.as_ref()?.get(Kind::Description, digest)?;
        serde_json::from_slice(&text).ok()
    }

    /// So that listing the guest the next time takes no more than reading this.
    fn keep_description(&self, digest: &Digest, description: &Description) {
        let Some(cache) = &self.cache else { return };
        if self.kept_description(digest).is_some() {
            return;
        }
        let text = serde_json::to_vec(description).map_err(std::io::Error::other);
        if let Err(error) = text.and_then(|text| cache.put(Kind::Description, digest, &text)) {
            tracing::warn!(%error, "A guest's description cannot be kept, so it is loaded to be listed");
        }
    }

    fn link(&self, code: &[u8]) -> Result<InstancePre<State>, LoadError> {
        // SAFETY: `code` is what wasmtime's compiler made of a component: it comes either straight from our own binary's compiling
        // process, or from the cache, which takes nothing that does not carry the MAC of this installation's key (`cache.rs`).
        let component = unsafe { Component::deserialize(&self.runtime.engine, code) };
        let component = component.map_err(|error| LoadError::Unfit(format!("{error:#}")))?;
        let unfit = |error: wasmtime::Error| LoadError::Link(format!("{error:#}"));
        self.linker.instantiate_pre(&component).map_err(unfit)
    }

    async fn describe(
        &self,
        name: &str,
        linked: InstancePre<State>,
        digest: Digest,
    ) -> Result<Guest, LoadError> {
        let nameless = GuestId { name: name.into(), version: "".into() };
        let extension = Extension::of(linked.component());
        let callable = Callable::new(Arc::clone(&self.runtime), linked, digest, nameless)
            .map_err(|error| LoadError::Link(format!("{error:#}")))?;
        let allowance = self.runtime.allow(DESCRIBE_TIMEOUT);
        let call = Call { export: "describe", allowance: &allowance, input: 0 };
        let describe = async |guest: describe::Guest, mut store: Store<State>| {
            store.set_hostcall_fuel(DESCRIPTION_BYTES_MAX);
            let described = guest.call_describe(&mut store).await;
            (described.map(lift::description), store)
        };
        let described = callable.call(call, Exports::describe, describe).await;
        let mut described = match described {
            Ok(Err(Failure::TooMuch(_))) => {
                let reason = format!("it is larger than {DESCRIPTION_BYTES_MAX} bytes");
                return Err(LoadError::Description(reason));
            }
            Ok(result) => result.map_err(LoadError::Describe)?,
            Err(_no_turn) => return Err(LoadError::Busy),
        };
        if extension.has_pace() {
            let pace = described_pace(&callable, extension.clone(), &allowance).await?;
            pace.into_iter().for_each(|pace| pace.describe(&mut described));
        }
        let described = checked(described, name)?;
        let id = GuestId { name: name.into(), version: described.version.as_str().into() };
        let metrics = self.runtime.metrics.guest(&id.name, &id.version);
        let callable = callable.named(id.clone(), Arc::clone(&metrics));
        Ok(Guest { id, description: described, callable, extension, metrics })
    }
}

/// How fast the API may be asked, if the guest knows.
async fn described_pace(
    callable: &Callable,
    extension: Extension,
    allowance: &Allowance,
) -> Result<Option<DescribedPace>, LoadError> {
    let call = Call { export: "describe-pace", allowance, input: 0 };
    let describe = async move |instance: Instance, mut store: Store<State>| {
        (extension.pace(&instance, &mut store).await, store)
    };
    let described = callable.call_instance(call, describe).await;
    described.map_err(|_no_turn| LoadError::Busy)?.map_err(LoadError::Describe)
}

fn checked(description: Description, name: &str) -> Result<Description, LoadError> {
    description::check(&description, name).map_err(LoadError::Description)?;
    Ok(description)
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |error| LoadError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge { bytes });
    }
    let mut component = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    // The file may grow while it is read.
    file.take(COMPONENT_BYTES_MAX).read_to_end(&mut component).map_err(failed)?;
    Ok(component)
}
