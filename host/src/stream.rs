//! One live stream, from start to end: a query that goes on as long as somebody looks at it.
//!
//! Either the API feeds it, event by event, if its guest knows how; or the host asks the query again at an interval. Both
//! outlive what goes wrong for a while, and say what has to be mended otherwise.

mod channel;
mod channels;
mod news;

use std::mem;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

pub use channel::{Channel, Unknown};
pub use channels::{Channels, Running};
use news::News;

use crate::datasource::{Datasource, RawSettings, Registry};
use crate::egress::{Asker, Demand, Journal, Opened};
use crate::frame::{self, Frames, LiveFrame};
use crate::limits::{LIVE_EVENT_PAUSE, LIVE_RETRY_MAX, LIVE_RETRY_MIN, Limits};
use crate::model::{Caller, Fetch, Query, Response, Source};
use crate::query::{Error, add, check_json, collect, elsewhere};

/// A stream that somebody looks at.
pub struct Stream<'a> {
    /// Where its datasource is.
    pub registry: &'a Registry,
    /// What Grafana sent of that.
    pub settings: RawSettings,
    /// What to show.
    pub channel: &'a Channel,
    /// Where those who come later find what is shown.
    pub running: Running<'a>,
    /// The bounds of each of its queries.
    pub limits: &'a Limits,
    /// What time it is, nanoseconds since the epoch.
    pub now: fn() -> i64,
}

impl Stream<'_> {
    /// Hands on a packet whenever there is something new, until there is something wrong that waiting does not mend.
    /// Whoever drops this ends it.
    pub async fn run(&self, packets: &mpsc::Sender<Bytes>) -> Error {
        let mut news = News::new(self.channel.ref_id());
        let mut pauses = pauses();
        loop {
            let error = match self.show(&mut news, &mut pauses, packets).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            if !is_passing(&error) {
                return error;
            }
            let pause = pauses.next().unwrap_or(LIVE_RETRY_MAX);
            interrupted(&error, pause);
            sleep(pause).await;
        }
    }

    /// Shows what there is until something goes wrong.
    async fn show(
        &self,
        news: &mut News,
        pauses: &mut ExponentialBackoff,
        packets: &mpsc::Sender<Bytes>,
    ) -> Result<Never, Error> {
        loop {
            let deadline = Instant::now() + self.limits.query_time;
            // Anew each time, so that a guest that was replaced takes over.
            let datasource = self.registry.get(self.settings.clone(), deadline).await?;
            let shown = self.show_next(&datasource, deadline, news, pauses, packets).await;
            shown.map_err(|error| error.redacted(&datasource.client))?;
        }
    }

    /// Shows what comes of one question, and waits until it is time for the next; or event after event of one response.
    async fn show_next(
        &self,
        datasource: &Datasource,
        deadline: Instant,
        news: &mut News,
        pauses: &mut ExponentialBackoff,
        packets: &mpsc::Sender<Bytes>,
    ) -> Result<(), Error> {
        let query = self.channel.query((self.now)());
        check_json(&query.model)?;
        let allowance = datasource.allow(deadline);
        let fetch = datasource.guest.live_request(&query, &datasource.view, &allowance).await?;
        if let Some(fetch) = fetch {
            return self.follow(datasource, query, fetch, news, pauses, packets).await;
        }
        // The interval is that between two questions, however long it took to load the guest before.
        let start = Instant::now();
        // Many may look at it, so it is asked for on nobody's behalf.
        let (caller, journal) = (&Caller::nobody(), &Journal::default());
        let asker = Asker { caller, allowance: &allowance, journal, demand: Demand::Any };
        let (frames, _never) = collect(datasource, &query, self.limits, asker, true).await?;
        self.tell(frames, News::of_window, news, datasource, packets).await?;
        *pauses = self::pauses();
        sleep_until(start + self.channel.interval()).await;
        Ok(())
    }

    /// Shows event after event of one response.
    async fn follow(
        &self,
        datasource: &Datasource,
        mut query: Query,
        fetch: Fetch,
        news: &mut News,
        pauses: &mut ExponentialBackoff,
        packets: &mpsc::Sender<Bytes>,
    ) -> Result<(), Error> {
        let Datasource { guest, view, client, .. } = datasource;
        let Fetch { mut requests, state } = fetch;
        // The contract: exactly one, which was checked when it came.
        let request = requests.pop().ok_or(Error::StreamEnded)?;
        let deadline = || Instant::now() + self.limits.query_time;
        let transform = async |query: &Query, response: Response| {
            let (responses, allowance) = (vec![response], datasource.allow(deadline()));
            let outcome =
                guest.transform(query, view, responses, state.clone(), &allowance).await?;
            match outcome.next {
                Some(_round) => Err(Error::LiveRound { guest: guest.id().to_string() }),
                None => Ok(outcome.frames),
            }
        };
        let mut events = match client.open(request, &datasource.allow(deadline())).await? {
            Opened::Events(events) => events,
            // Most often the API's own error, which only the guest can read.
            Opened::Response(response) => {
                transform(&query, response).await?;
                return Err(Error::StreamEnded);
            }
        };
        while let Some(event) = events.next().await? {
            let start = Instant::now();
            query.to = (self.now)();
            let found = transform(&query, event).await?;
            let (frames, added) = add(Frames::new(self.limits), found, guest.id()).await?;
            added?;
            self.tell(frames, News::of_event, news, datasource, packets).await?;
            *pauses = self::pauses();
            sleep_until(start + LIVE_EVENT_PAUSE).await;
        }
        Err(Error::StreamEnded)
    }

    /// Joins frames to the one that a stream carries, hands on what of it is `new`, and keeps it for those who look later. On a
    /// thread where that may take its time.
    async fn tell(
        &self,
        frames: Frames,
        new: fn(&mut News, &LiveFrame) -> Result<Option<Bytes>, frame::Error>,
        news: &mut News,
        datasource: &Datasource,
        packets: &mpsc::Sender<Bytes>,
    ) -> Result<(), Error> {
        let mut known = mem::take(news);
        let told = elsewhere(move || {
            let frame = frames.complete()?.into_live()?;
            let packet = match &frame {
                Some(frame) => new(&mut known, frame)?,
                None => None,
            };
            Ok((known, frame, packet))
        });
        let told = told.await?.map_err(|error| Error::frame(datasource.guest.id(), error));
        let (known, frame, packet) = told?;
        *news = known;
        if let Some(frame) = frame {
            self.running.shows(frame);
        }
        if let Some(packet) = packet {
            // If nobody takes packets any more, all this is about to be dropped.
            let _nobody_listens = packets.send(packet).await;
        }
        Ok(())
    }
}

/// Why a stream has ended, as a packet for those who look at it: a frame that only tells so.
pub fn notice(error: &Error, ref_id: &str) -> Option<Bytes> {
    let chain: &dyn std::error::Error = error;
    tracing::warn!(status = error.status(), error = chain, "A stream has ended");
    LiveFrame::notice(&error.user_message()).and_then(|notice| notice.whole(ref_id)).ok()
}

fn interrupted(error: &Error, pause: Duration) {
    let error: &dyn std::error::Error = error;
    tracing::warn!(error, ?pause, "A stream is interrupted");
}

/// What has no value.
enum Never {}

/// Ever longer pauses, each a little by chance, so that many streams of an API that was down do not come back at once.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(LIVE_RETRY_MIN)
        .with_max_delay(LIVE_RETRY_MAX)
        .without_max_times()
        .with_jitter()
        .build()
}

/// Whether waiting may mend it: an API that is down, or busy, or a machine that is. A guest that is faulty stays so.
fn is_passing(error: &Error) -> bool {
    match error.source_of_error() {
        Source::Downstream => matches!(error.status(), 408 | 429 | 500 | 502..=599),
        Source::Plugin => matches!(error.status(), 503 | 504),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_and_never_end() {
        let all: Vec<Duration> = pauses().take(50).collect();
        assert_eq!(all.len(), 50);
        assert!(all[0] >= LIVE_RETRY_MIN && all[0] < LIVE_RETRY_MIN * 3, "{:?}", all[0]);
        // Jitter is added after the bound.
        assert!(all[49] >= LIVE_RETRY_MAX && all[49] <= LIVE_RETRY_MAX * 2, "{:?}", all[49]);
    }

    #[test]
    fn what_a_user_must_mend_does_not_pass() {
        let bad = Error::Invalid("it is not".to_owned());
        assert!(!is_passing(&bad));
        assert!(!is_passing(&Error::Panicked));
        assert!(is_passing(&Error::StreamEnded));
    }
}
