//! One health check, from start to end: Grafana's "Save & test".

use tokio::time::Instant;

use crate::datasource::Datasource;
use crate::egress::{Asker, Journal};
use crate::limits::Limits;
use crate::model::{Caller, Diagnosis, Verdict};
use crate::query::{Error, Rounds};

/// Build requests, send, diagnose, and again as long as the guest asks for another round.
pub async fn check(
    datasource: &Datasource,
    caller: &Caller,
    limits: &Limits,
    deadline: Instant,
) -> Result<Diagnosis, Error> {
    let Datasource { guest, view, client, .. } = datasource;
    let mut rounds = Rounds::new(guest.id(), limits);
    let (allowance, journal) = (&datasource.allow(deadline), Journal::default());
    let asker = Asker { caller, allowance, journal: &journal, afresh: true };
    let mut fetch = guest.health_requests(view, allowance).await?;
    loop {
        rounds.admit(&fetch)?;
        let (responses, _held) = client.send_all(fetch.requests, asker).await?;
        match guest.diagnose(view, responses, fetch.state, allowance).await? {
            Verdict::Done(diagnosis) => return Ok(diagnosis),
            Verdict::Next(next) => fetch = next,
        }
    }
}
