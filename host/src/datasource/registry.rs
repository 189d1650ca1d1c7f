//! The datasources that are ready, each built once and again when anything about it changes.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::error::Error;
use super::settings::{self, RawSettings, Settings};
use crate::budget::{Allowance, Budget, Lane};
use crate::egress::{Allowed, Cache, Client};
use crate::guest::{Guest, Guests};
use crate::limits::{DATASOURCES_MAX, Limits};
use crate::metrics::Metrics;
use crate::model::DatasourceView;

/// One configured Grafana data source, ready to be asked. No `Debug`: an admin may have put a secret where it does not belong.
pub struct Datasource {
    /// Who understands its API.
    pub guest: Arc<Guest>,
    /// What the guest sees of it.
    pub view: DatasourceView,
    /// The way to its API.
    pub client: Client,
    /// Its turn among all data sources.
    lane: Lane,
    budget: Arc<Budget>,
}

impl Datasource {
    /// What a query of it that begins now may use.
    pub fn allow(&self, deadline: Instant) -> Allowance {
        self.budget.allow(self.lane, deadline)
    }
}

/// All datasources that were asked for lately.
pub struct Registry {
    guests: Guests,
    limits: Limits,
    /// The hosts that datasources may allow to their guests, in lower case; None for any.
    allowed_hosts: Option<Vec<String>>,
    budget: Arc<Budget>,
    /// Answers of all datasources that may be given again.
    cache: Arc<Cache>,
    metrics: Metrics,
    entries: Mutex<HashMap<Key, Arc<Entry>>>,
    /// Counts requests, to know which datasource was not asked for longest.
    clock: AtomicU64,
}

/// The same uid may stand in two organisations.
type Key = (i64, String);

struct Entry {
    settings: RawSettings,
    built: OnceCell<Arc<Datasource>>,
    used: AtomicU64,
}

impl Registry {
    /// A registry with nothing in it yet.
    pub fn new(
        guests: Guests,
        limits: Limits,
        allowed_hosts: Option<Vec<String>>,
        budget: Arc<Budget>,
        metrics: Metrics,
    ) -> Self {
        let (entries, clock) = (Mutex::default(), AtomicU64::new(0));
        let cache = Arc::new(Cache::new(&limits));
        Self { guests, limits, allowed_hosts, budget, cache, metrics, entries, clock }
    }

    /// What may be used by what begins now and is for no data source in particular.
    pub fn allow(&self, deadline: Instant) -> Allowance {
        self.budget.allow(Lane::HOST, deadline)
    }

    /// All installed guests.
    pub fn guests(&self) -> &Guests {
        &self.guests
    }

    /// The datasource with these settings: the one at hand, if neither they nor its guest have changed since, or a new one.
    /// Requests that still use the old one finish on it.
    pub async fn get(
        &self,
        settings: RawSettings,
        deadline: Instant,
    ) -> Result<Arc<Datasource>, Error> {
        let entry = self.entry(settings, None);
        let datasource = entry.built(self, deadline).await?;
        let guest = self.guests.find(&datasource.guest.id().name, deadline).await?;
        if Arc::ptr_eq(&guest, &datasource.guest) {
            return Ok(datasource);
        }
        // The guest's file was replaced; its description, and so what it may ask for, can be another.
        let entry = self.entry(entry.settings.clone(), Some(&entry));
        entry.built(self, deadline).await
    }

    /// A datasource with these settings that is not kept.
    pub async fn build(
        &self,
        settings: &RawSettings,
        deadline: Instant,
    ) -> Result<Datasource, Error> {
        let Settings { guest, http, mut view, .. } = settings.resolve()?;
        if let Some(listed) = &self.allowed_hosts {
            let is_listed = |host: &&String| listed.contains(&host.to_ascii_lowercase());
            if let Some(host) = http.allowed_hosts.iter().find(|host| !is_listed(host)) {
                let host = settings::printable(host);
                return Err(settings::Error::HostNotAllowed { host }.into());
            }
        }
        let guest = self.guests.find(&guest, deadline).await?;
        let allowed = Allowed::from(guest.description());
        // A guest is told of no secret that it does not know.
        view.secrets.retain(|name| allowed.secrets.contains(name));
        let (limits, cache) = (self.limits.clone(), Arc::clone(&self.cache));
        let metrics = self.metrics.datasource(&view.uid);
        // Reads the system's certificates from disk.
        let client = move || Client::new(&http, &allowed, &limits, cache, metrics);
        let client = spawn_blocking(client).await;
        let client = client.map_err(|_panicked| Error::Panicked)??;
        let (lane, budget) = (self.budget.lane(), Arc::clone(&self.budget));
        Ok(Datasource { guest, view, client, lane, budget })
    }

    /// The entry with these settings. One that is `outdated` does not count.
    fn entry(&self, settings: RawSettings, outdated: Option<&Arc<Entry>>) -> Arc<Entry> {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let key = (settings.org_id, settings.uid.clone());
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.get(&key).filter(|entry| entry.settings == settings);
        if let Some(entry) = known
            && outdated.is_none_or(|outdated| !Arc::ptr_eq(entry, outdated))
        {
            entry.used.store(now, Ordering::Relaxed);
            return Arc::clone(entry);
        }
        // Somebody asks with settings that were replaced since, such as a live stream that is about to be begun anew.
        let is_stale =
            entries.get(&key).is_some_and(|entry| entry.settings.updated_ms > settings.updated_ms);
        if is_stale {
            let (built, used) = (OnceCell::new(), AtomicU64::new(now));
            return Arc::new(Entry { settings, built, used });
        }
        if entries.len() >= DATASOURCES_MAX && !entries.contains_key(&key) {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(key, _entry)| key.clone()) {
                entries.remove(&oldest);
            }
        }
        let (built, used) = (OnceCell::new(), AtomicU64::new(now));
        let entry = Arc::new(Entry { settings, built, used });
        entries.insert(key, Arc::clone(&entry));
        self.metrics.datasources_ready(entries.len());
        entry
    }
}

impl Entry {
    /// The datasource; many requests that come at once build it once. An error is not kept: the next request tries again.
    async fn built(
        &self,
        registry: &Registry,
        deadline: Instant,
    ) -> Result<Arc<Datasource>, Error> {
        if self.built.get().is_none() {
            // Each request waits for the guest in its own time, and not in that of the one that builds.
            registry.guests.find(&self.settings.resolve()?.guest, deadline).await?;
        }
        let build = async || registry.build(&self.settings, deadline).await.map(Arc::new);
        self.built.get_or_try_init(build).await.cloned()
    }
}
