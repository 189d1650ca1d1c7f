//! One health check, from start to end: Grafana's "Save & test".

use tokio::time::Instant;

use crate::datasource::Datasource;
use crate::limits::Limits;
use crate::model::{Diagnosis, Verdict};
use crate::query::{Error, Rounds};

/// Build requests, send, diagnose, and again as long as the guest asks for another round.
pub async fn check(
    datasource: &Datasource,
    limits: &Limits,
    deadline: Instant,
) -> Result<Diagnosis, Error> {
    let Datasource { guest, view, client, .. } = datasource;
    let mut rounds = Rounds::new(limits);
    let mut fetch = guest.health_requests(view, deadline).await?;
    loop {
        rounds.admit(&fetch)?;
        let responses = client.send_all(fetch.requests, deadline).await?;
        match guest.diagnose(view, responses, fetch.state, deadline).await? {
            Verdict::Done(diagnosis) => return Ok(diagnosis),
            Verdict::Next(next) => fetch = next,
        }
    }
}
