//! The rounds of one query: how many there may be, and the pause before one that asks what the last one asked.
//!
//! A guest that waits for a job asks for its state again and again. It has no clock, so the host keeps the time.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use super::Error;
use crate::egress::{Asker, Client, Demand, Held, retry_after};
use crate::guest::GuestId;
use crate::limits::{Limits, POLL_PAUSE_MAX, POLL_PAUSE_MIN};
use crate::model::{Request, Response};

/// What a query has left.
pub(crate) struct Rounds<'a> {
    /// Who asks for them.
    guest: &'a GuestId,
    limits: &'a Limits,
    rounds: u32,
    requests: usize,
    poll: Poll,
}

impl<'a> Rounds<'a> {
    /// A query at its start.
    pub(crate) fn new(guest: &'a GuestId, limits: &'a Limits) -> Self {
        Self { guest, limits, rounds: 0, requests: 0, poll: Poll::default() }
    }

    /// Rounds before the one that was begun last.
    pub(crate) fn before(&self) -> u32 {
        self.rounds.saturating_sub(1)
    }

    /// Sends the requests of the next round, if there may be one; after a pause, and not answered from the cache, if they are those of
    /// the last.
    pub(crate) async fn send(
        &mut self,
        client: &Client,
        requests: Vec<Request>,
        asker: Asker<'_>,
    ) -> Result<(Vec<Response>, Held), Error> {
        self.admit(&requests)?;
        let pause = self.poll.pause_before(&requests);
        let demand = match asker.demand {
            Demand::Any if pause.is_some() => Demand::New,
            demand => demand,
        };
        if let Some(pause) = pause {
            let left = asker.allowance.deadline.saturating_duration_since(Instant::now());
            if pause >= left {
                return Err(Error::NotDone {
                    guest: self.guest.to_string(),
                    polls: self.poll.polls,
                });
            }
            sleep(pause).await;
        }
        let sent = client.send_all(requests, Asker { demand, ..asker }).await?;
        self.poll.answered(&sent.0, SystemTime::now());
        Ok(sent)
    }

    /// Counts a round, before anything of it is sent.
    fn admit(&mut self, requests: &[Request]) -> Result<(), Error> {
        self.rounds += 1;
        self.requests += requests.len();
        let Limits { rounds, requests, .. } = *self.limits;
        let too_many =
            |what, limit| Error::TooMany { guest: self.guest.to_string(), what, key: what, limit };
        if self.rounds > rounds {
            return Err(too_many("rounds", rounds));
        }
        if self.requests > requests as usize {
            return Err(too_many("requests", requests));
        }
        Ok(())
    }
}

/// Whether a guest waits for something, and for how long.
#[derive(Default)]
struct Poll {
    /// What the last round asked, as a hash: no two rounds of one query have the same by chance.
    last: Option<u64>,
    /// When the API wants to be asked again.
    asked_to_wait: Option<Duration>,
    pauses: Option<ExponentialBackoff>,
    polls: u32,
}

impl Poll {
    /// How long to wait before a round; none if it is not the last one again.
    fn pause_before(&mut self, requests: &[Request]) -> Option<Duration> {
        let mut hasher = DefaultHasher::new();
        requests.hash(&mut hasher);
        let this = Some(hasher.finish());
        let is_same = !requests.is_empty() && self.last == this;
        self.last = this;
        if !is_same {
            self.pauses = None;
            self.polls = 0;
            return None;
        }
        self.polls += 1;
        let pauses = self.pauses.get_or_insert_with(|| {
            ExponentialBuilder::default()
                .with_min_delay(POLL_PAUSE_MIN)
                .with_max_delay(POLL_PAUSE_MAX)
                .without_max_times()
                .build()
        });
        let own = pauses.next().unwrap_or(POLL_PAUSE_MAX);
        // What is over at once says nothing about how long it takes.
        let asked = self.asked_to_wait.filter(|asked| *asked >= POLL_PAUSE_MIN);
        Some(asked.unwrap_or(own))
    }

    fn answered(&mut self, responses: &[Response], now: SystemTime) {
        self.asked_to_wait =
            responses.iter().filter_map(|response| retry_after(response, now)).max();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_so_many_rounds_and_so_many_requests_in_all() {
        let requests = |count| vec![Request::get("/"); count];
        let limits = Limits { rounds: 3, requests: 5, ..Limits::default() };
        let guest = GuestId { name: "things".into(), version: "1.2.3".into() };
        let mut rounds = Rounds::new(&guest, &limits);
        for _round in 0..3 {
            rounds.admit(&requests(1)).unwrap();
        }
        let sentence = rounds.admit(&requests(0)).unwrap_err().user_message();
        assert!(sentence.contains("Guest 'things 1.2.3' needs more than 3 rounds"), "{sentence}");
        assert!(sentence.contains("raise 'rounds' in grafana.ini"), "{sentence}");

        let mut rounds = Rounds::new(&guest, &limits);
        rounds.admit(&requests(5)).unwrap();
        let error = rounds.admit(&requests(1)).unwrap_err();
        assert!(error.user_message().contains("more than 5 requests"), "{error}");
    }

    #[test]
    fn what_is_asked_again_is_asked_after_pauses_that_grow() {
        let (mut poll, job) = (Poll::default(), [Request::get("/jobs/7")]);
        assert_eq!(poll.pause_before(&[Request::get("/jobs")]), None);
        assert_eq!(poll.pause_before(&job), None);
        let pauses = (0..8).filter_map(|_poll| poll.pause_before(&job));
        let pauses: Vec<_> = pauses.map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(poll.pause_before(&[Request::get("/jobs/7/rows")]), None);
        assert_eq!(poll.pause_before(&[]), None);
        assert_eq!(poll.pause_before(&[]), None);
    }

    #[test]
    fn an_api_that_never_wants_to_be_asked_again_is_not_waited_for() {
        let (mut poll, job) = (Poll::default(), [Request::get("/jobs/7")]);
        let headers = vec![("retry-after".to_owned(), u64::MAX.to_string())];
        let response = Response { headers, ..Response::default() };
        assert_eq!(poll.pause_before(&job), None);
        poll.answered(&[response], SystemTime::UNIX_EPOCH);
        assert_eq!(poll.pause_before(&job), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn an_api_that_says_when_is_asked_then() {
        let (mut poll, job) = (Poll::default(), [Request::get("/jobs/7")]);
        let headers = vec![("retry-after".to_owned(), "3".to_owned())];
        let response = Response { status: 202, headers, ..Response::default() };
        assert_eq!(poll.pause_before(&job), None);
        poll.answered(&[response, Response::default()], SystemTime::UNIX_EPOCH);
        assert_eq!(poll.pause_before(&job), Some(Duration::from_secs(3)));
        poll.answered(
            &[Response {
                headers: vec![("retry-after".to_owned(), "0".to_owned())],
                ..Response::default()
            }],
            SystemTime::UNIX_EPOCH,
        );
        let pause = poll.pause_before(&job).map(|pause| pause.as_millis());
        assert_eq!(pause, Some(200));
        poll.answered(&[Response::default()], SystemTime::UNIX_EPOCH);
        assert!(poll.pause_before(&job).is_some_and(|pause| pause < POLL_PAUSE_MAX));
    }
}
