//! What loads guests beside all requests: those that are asked for, and behind them those that are only listed.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::Guest;
use super::error::LoadError;
use super::load::Load;
use crate::limits::{GUESTS_LOADING_MAX, GUESTS_READING_MAX};
use crate::model::Description;

/// What came of loading a guest.
pub(super) type Loaded = Result<Arc<Guest>, Arc<LoadError>>;
/// What came of asking what a guest says about itself.
pub(super) type Described = Result<Arc<Description>, Arc<LoadError>>;

/// Loads what [`Guests`](super::Guests) asks for. It has to run for guests to be found, beside all requests and longer than any of them.
pub struct Loader {
    pub(super) load: Arc<Load>,
    pub(super) loads: mpsc::UnboundedReceiver<Job<Loaded>>,
    pub(super) descriptions: mpsc::UnboundedReceiver<Job<Described>>,
}

/// A guest's file, and whom to tell what came of it.
pub(super) struct Job<T> {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) done: watch::Sender<Option<T>>,
}

impl Loader {
    /// Loads guests until [`Guests`](super::Guests) is dropped.
    pub async fn run(self) {
        let Self { load, loads, descriptions } = self;
        let (unknown, undescribed) = mpsc::unbounded_channel();
        tokio::join!(
            load.prune(),
            load_all(&load, loads),
            look_up_all(&load, descriptions, unknown),
            describe_all(&load, undescribed),
        );
    }
}

/// Loads guests that are asked for, a few at the same time.
async fn load_all(load: &Arc<Load>, mut jobs: mpsc::UnboundedReceiver<Job<Loaded>>) {
    let mut running = JoinSet::new();
    while let Some(job) = jobs.recv().await {
        if running.len() >= GUESTS_LOADING_MAX {
            running.join_next().await;
        }
        let load = Arc::clone(load);
        running.spawn(async move {
            let loaded = load.load(&job.name, &job.path).await.map(Arc::new);
            job.end(loaded);
        });
    }
}

/// Looks up what is known of guests that are listed, and hands on those that have to be asked.
async fn look_up_all(
    load: &Arc<Load>,
    mut jobs: mpsc::UnboundedReceiver<Job<Described>>,
    unknown: mpsc::UnboundedSender<Job<Described>>,
) {
    let mut running = JoinSet::new();
    while let Some(job) = jobs.recv().await {
        if running.len() >= GUESTS_READING_MAX {
            running.join_next().await;
        }
        let (load, unknown) = (Arc::clone(load), unknown.clone());
        running.spawn(async move {
            match load.known(&job.name, &job.path).await.transpose() {
                Some(known) => job.end(known.map(Arc::new)),
                // It is received until there are no more jobs.
                None => drop(unknown.send(job)),
            }
        });
    }
}

/// Asks guests that nobody has asked before, one by one. They are not kept: that would be hundreds of megabytes for a list.
async fn describe_all(load: &Arc<Load>, mut jobs: mpsc::UnboundedReceiver<Job<Described>>) {
    while let Some(job) = jobs.recv().await {
        let loaded = load.load(&job.name, &job.path).await;
        job.end(loaded.map(|guest| Arc::new(guest.description().clone())));
    }
}

impl<T> Job<Result<T, Arc<LoadError>>> {
    /// Tells whoever waits, and the log if it went wrong.
    fn end(self, result: Result<T, LoadError>) {
        if let Err(error) = &result {
            let path = self.path.display();
            tracing::error!(guest = self.name, %path, %error, "A guest cannot be loaded");
        }
        self.done.send_replace(Some(result.map_err(Arc::new)));
    }
}
