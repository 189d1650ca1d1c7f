//! Asks an API by the host's own client and by reqwest alone, in turns, so that `cargo xtask bench` can say what the layer between them
//! costs: policy, credentials, single flight, cache, retries, turns, limits and the journal.
//!
//! The arguments are the API's URL, the path to ask for, and how many turns there are. For each turn the process writes a line: how
//! many nanoseconds reqwest took alone, and how many the client took.
#![expect(clippy::print_stdout, reason = "stdout is how this process answers")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use graft_host::budget::{Budget, Lane};
use graft_host::egress::{Allowed, Asker, Cache, Client, Demand, HttpSettings, Journal};
use graft_host::limits::Limits;
use graft_host::metrics::Metrics;
use graft_host::model::{Caller, Request};
use tokio::time::Instant as TokioInstant;
use url::Url;

/// Before measuring begins: connections are open then, and code is in the processor's caches.
const WARM_UP: usize = 200;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [base, path, turns] = arguments.as_slice() else {
        bail!("the arguments are a URL, a path, and how many turns there are");
    };
    let (base, turns) = (Url::parse(base).context("the URL is none")?, turns.parse::<usize>()?);
    let layer = Layer::new(base.clone())?;
    let url = Url::parse(&format!("{}{path}", base.as_str().trim_end_matches('/')))?;
    let plain = reqwest::Client::builder().no_proxy().build()?;
    for turn in 0..WARM_UP + turns {
        // Whoever comes second may find things warm, so they take turns at that as well.
        let (alone, through) = if turn % 2 == 0 {
            let alone = ask(&plain, url.clone()).await?;
            (alone, layer.ask(path).await?)
        } else {
            let through = layer.ask(path).await?;
            (ask(&plain, url.clone()).await?, through)
        };
        if turn >= WARM_UP {
            println!("{} {}", alone.as_nanos(), through.as_nanos());
        }
    }
    Ok(())
}

/// One exchange by reqwest alone, up to the last byte of the body.
async fn ask(client: &reqwest::Client, url: Url) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let response = client.execute(reqwest::Request::new(reqwest::Method::GET, url)).await?;
    ensure!(response.status() == 200, "the API refuses the request");
    let body = response.bytes().await?;
    let took = begun.elapsed();
    ensure!(!body.is_empty(), "the API's answer is empty");
    Ok(took)
}

/// The host's client, and what a query brings along.
struct Layer {
    client: Client,
    budget: Arc<Budget>,
}

impl Layer {
    fn new(base: Url) -> anyhow::Result<Self> {
        let limits = Limits::default();
        let allowed = Allowed { guest: "bench 1.0.0".to_owned(), ..Allowed::default() };
        let metrics = Metrics::new()?.datasource("bench");
        let (settings, cache) = (HttpSettings::new(Some(base)), Arc::new(Cache::new(&limits)));
        let client = Client::new(&settings, &allowed, &limits, cache, metrics)?;
        Ok(Self { client, budget: Budget::new(&limits) })
    }

    /// The same exchange, as one query with one round of one request.
    async fn ask(&self, path: &str) -> anyhow::Result<Duration> {
        let request = Request::get(path);
        let begun = Instant::now();
        let deadline = TokioInstant::now() + Duration::from_secs(60);
        let allowance = &self.budget.allow(Lane::HOST, deadline);
        let (caller, journal) = (&Caller::nobody(), &Journal::default());
        let asker = Asker { caller, allowance, journal, demand: Demand::Any };
        let (responses, _held) = self.client.send_all(vec![request], asker).await?;
        let took = begun.elapsed();
        ensure!(
            responses.len() == 1 && responses[0].status == 200,
            "the API refuses the client's request"
        );
        Ok(took)
    }
}
