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
    let mut rounds = Rounds::new(guest.id(), limits);
    let allowance = &datasource.allow(deadline);
    let mut fetch = guest.health_requests(view, allowance).await?;
    loop {
        rounds.admit(&fetch)?;
        let (responses, _held) = client.send_all(fetch.requests, allowance).await?;
        match guest.diagnose(view, responses, fetch.state, allowance).await? {
            Verdict::Done(diagnosis) => return Ok(diagnosis),
            Verdict::Next(next) => fetch = next,
        }
    }
}
