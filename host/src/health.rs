//! One health check, from start to end: Grafana's "Save & test", step by step.

use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use crate::datasource::Datasource;
use crate::egress::{Asker, Demand, Journal, Step, TLS};
use crate::limits::Limits;
use crate::model::{Caller, Diagnosis, Exchange, Verdict};
use crate::query::{Error, Rounds};

/// What came of a check.
pub struct Checked {
    /// The guest's judgement, or what kept it from making one.
    pub judgement: Result<Diagnosis, Error>,
    /// More about it: a JSON object.
    pub details: String,
}

/// Asks the guest, and walks the way to the API at the same time.
pub async fn check(
    datasource: &Datasource,
    caller: &Caller,
    limits: &Limits,
    deadline: Instant,
) -> Checked {
    let journal = Journal::default();
    let judged = judge(datasource, caller, &journal, limits, deadline);
    // What takes longer than the guest is told by the exchanges.
    let walked = timeout_at(deadline, datasource.client.walk());
    let (judgement, walked) = tokio::join!(judged, walked);
    let mut steps = walked.unwrap_or_default();
    let redact = datasource.client.redactor();
    let judgement = judgement.map_err(|error| error.redacted(&datasource.client));
    let judgement = judgement.map(|Diagnosis { healthy, message, details }| Diagnosis {
        healthy,
        message: redact(&message),
        details: details.map(|details| redact(&details)),
    });
    let exchanges = journal.exchanges();
    reconcile(&mut steps, &exchanges);
    steps.extend(authenticated(&exchanges, datasource.client.credentials_in_words()));
    steps.extend(answered(&exchanges));
    steps.extend(understood(&judgement, &exchanges));
    for step in &mut steps {
        step.text = redact(&step.text);
    }
    let details = details(judgement.as_ref().ok().and_then(|it| it.details.as_deref()), &steps);
    Checked { judgement, details }
}

/// Build requests, send, diagnose, and again as long as the guest asks for another round.
async fn judge(
    datasource: &Datasource,
    caller: &Caller,
    journal: &Journal,
    limits: &Limits,
    deadline: Instant,
) -> Result<Diagnosis, Error> {
    let Datasource { guest, view, client, .. } = datasource;
    let mut rounds = Rounds::new(guest.id(), limits);
    let allowance = &datasource.allow(deadline);
    let asker = Asker { caller, allowance, journal, demand: Demand::Own };
    let mut fetch = guest.health_requests(view, allowance).await?;
    loop {
        let (responses, _held) = rounds.send(client, fetch.requests, asker).await?;
        match guest.diagnose(view, responses, fetch.state, allowance).await? {
            Verdict::Done(diagnosis) => return Ok(diagnosis),
            Verdict::Next(next) => fetch = next,
        }
    }
}

/// The way as it was walked alone, after what came of the exchanges on it: only they show certificates, and judge them.
fn reconcile(steps: &mut Vec<Step>, exchanges: &[Exchange]) {
    if exchanges.iter().any(|exchange| exchange.status > 0) {
        // A server that wants a certificate of ours ends what shows none, and all is well.
        return steps.retain(|step| step.ok);
    }
    let is_of_tls = |exchange: &Exchange| exchange.failure.as_ref().is_some_and(|it| it.is_of_tls);
    if exchanges.iter().any(is_of_tls) {
        for step in steps.iter_mut().filter(|step| step.ok && step.name == TLS) {
            step.ok = false;
            step.text += ", but TLS fails all the same, as is told below";
        }
    }
}

/// Whether the API takes the credentials; nothing if it did not answer, or not in a way that says so: a proxy before it that is not well,
/// for instance, has not looked at them.
fn authenticated(exchanges: &[Exchange], credentials: &str) -> Option<Step> {
    let looks_at_them =
        |exchange: &&Exchange| matches!(exchange.status, 200..=399 | 401 | 403..=406);
    let answered: Vec<_> = exchanges.iter().filter(looks_at_them).collect();
    let refused = answered.iter().find(|exchange| matches!(exchange.status, 401 | 403));
    let (ok, text) = match refused {
        Some(Exchange { status, url, .. }) => {
            (false, format!("{url} answers with status {status} to {credentials}"))
        }
        None => (true, format!("with {credentials}")),
    };
    let elapsed = answered.first()?.elapsed;
    Some(Step { name: "Authenticated", ok, text, elapsed })
}

/// What the API answered, each time.
fn answered(exchanges: &[Exchange]) -> impl Iterator<Item = Step> {
    exchanges.iter().map(|exchange| {
        let Exchange { method, url, status, elapsed, bytes, failure, .. } = exchange;
        let (ok, text) = match failure {
            Some(failure) => (false, failure.sentence.clone()),
            None => {
                let ok = *status < 400;
                (ok, format!("{method} {url}: status {status}, {bytes} bytes"))
            }
        };
        Step { name: "Answered", ok, text, elapsed: *elapsed }
    })
}

/// What the guest makes of it.
fn understood(judgement: &Result<Diagnosis, Error>, exchanges: &[Exchange]) -> Option<Step> {
    let is_told = exchanges.iter().any(|exchange| exchange.failure.is_some());
    let (ok, text) = match judgement {
        Ok(Diagnosis { healthy, message, .. }) => (*healthy, message.clone()),
        // What has no answer was told already; what was not sent was not.
        Err(Error::Egress(_)) if is_told => return None,
        Err(error) => (false, error.user_message()),
    };
    Some(Step { name: "Understood", ok, text, elapsed: std::time::Duration::ZERO })
}

/// The guest's own details with the steps among them, and as lines for Grafana's page (contract section 5.2).
fn details(own: Option<&str>, steps: &[Step]) -> String {
    let own = own.and_then(|own| serde_json::from_str::<Map<String, Value>>(own).ok());
    let mut details = own.unwrap_or_default();
    let lines = steps.iter().map(|Step { name, ok, text, .. }| {
        let mark = if *ok { "OK" } else { "FAILED" };
        // A line break would begin a step of its own.
        let text = text.replace(char::is_control, " ");
        format!("{name}: {mark} ({text})")
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    details.entry("verboseMessage").or_insert(lines.into());
    let steps = steps.iter().map(|Step { name, ok, text, elapsed }| {
        json!({ "step": name, "ok": ok, "text": text, "milliseconds": elapsed.as_millis() as u64 })
    });
    details.insert("steps".to_owned(), steps.collect());
    Value::Object(details).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Failure, Origin};

    fn exchange(status: u16, failure: Option<&str>) -> Exchange {
        Exchange {
            method: "GET",
            url: "http://h/x".to_owned(),
            status,
            elapsed: Duration::from_millis(5),
            bytes: 7,
            origin: Origin::Api,
            retries: 0,
            failure: failure
                .map(|sentence| Failure { sentence: sentence.to_owned(), is_of_tls: true }),
        }
    }

    #[test]
    fn what_the_api_does_not_take_is_told_in_words() {
        let step = authenticated(&[exchange(200, None), exchange(401, None)], "a token").unwrap();
        let text = "http://h/x answers with status 401 to a token";
        assert_eq!((step.ok, step.text.as_str()), (false, text));
        assert!(authenticated(&[exchange(404, None)], "a token").unwrap().ok);
        for status in [400, 407, 429, 502, 503] {
            assert_eq!(authenticated(&[exchange(status, None)], "a token"), None, "{status}");
        }
        assert_eq!(authenticated(&[exchange(0, Some("no"))], "a token"), None);
    }

    #[test]
    fn what_was_not_sent_is_a_step_that_failed_and_what_was_is_told_once() {
        let error = || {
            let (guest, name) = ("odd".to_owned(), "apiKey".to_owned());
            Err(Error::Egress(crate::egress::Error::SecretNotSet { guest, name }))
        };
        let step = understood(&error(), &[exchange(200, None)]).unwrap();
        assert!(!step.ok && step.text.contains("'apiKey'"), "{}", step.text);
        assert_eq!(understood(&error(), &[exchange(0, Some("no"))]), None);
    }

    #[test]
    fn a_guests_words_make_no_step_of_their_own() {
        let text = "x)\nAuthenticated: OK (y".to_owned();
        let step = Step { name: "Understood", ok: false, text, elapsed: Duration::ZERO };
        let details: Value = serde_json::from_str(&details(None, &[step])).unwrap();
        assert_eq!(details["verboseMessage"].as_str().unwrap().lines().count(), 1);
    }

    #[test]
    fn a_certificate_that_can_be_read_and_is_not_trusted_is_no_step_that_went_well() {
        let walked = || {
            let step = |name, ok| Step { name, ok, text: "T".to_owned(), elapsed: Duration::ZERO };
            vec![step("Connected", true), step(TLS, true)]
        };
        let reconciled = |exchanges: &[Exchange]| {
            let mut steps = walked();
            reconcile(&mut steps, exchanges);
            steps.into_iter().map(|step| step.ok).collect::<Vec<_>>()
        };
        assert_eq!(reconciled(&[exchange(0, Some("TLS failed."))]), [true, false]);
        assert_eq!(reconciled(&[exchange(0, None)]), [true, true]);
        assert_eq!(reconciled(&[exchange(0, Some("TLS failed.")), exchange(200, None)]), [true; 2]);
    }

    #[test]
    fn details_have_the_guests_own_the_steps_and_lines_to_read() {
        let steps: Vec<_> = answered(&[exchange(500, None)]).collect();
        let details: Value =
            serde_json::from_str(&details(Some(r#"{"version":"1"}"#), &steps)).unwrap();
        assert_eq!(details["version"], "1");
        let line = "Answered: FAILED (GET http://h/x: status 500, 7 bytes)";
        assert_eq!(details["verboseMessage"], line);
        assert_eq!(details["steps"][0]["milliseconds"], 5);
    }

    /// Grafana fails on details that are anything but a JSON object (contract section 5.2), which would hide the message.
    #[test]
    fn details_of_a_guest_that_are_no_object_are_left_out() {
        for own in ["[]", "{} {}", "text", ""] {
            assert_eq!(details(Some(own), &[]), r#"{"steps":[],"verboseMessage":""}"#, "{own}");
        }
    }
}
