//! Whether a request is worth another try, and when. Pure decisions.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::egress::error::{Error, Phase};
use crate::limits::{RETRY_PAUSE_MAX, RETRY_PAUSE_MIN};
use crate::model::Response;

/// The tries that a request has left.
pub(super) struct Tries {
    /// Whether sending it twice does no harm (RFC 9110, section 9.2.2, or the guest says so).
    is_repeatable: bool,
    pauses: ExponentialBackoff,
    /// Tries after the first, so far.
    pub(super) retries: u32,
}

impl Tries {
    /// So many after the first.
    pub(super) fn new(is_repeatable: bool, most: u32) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(RETRY_PAUSE_MIN)
            .with_max_delay(RETRY_PAUSE_MAX)
            .with_max_times(usize::try_from(most).unwrap_or(usize::MAX))
            .with_jitter();
        Self { is_repeatable, pauses: pauses.build(), retries: 0 }
    }

    /// How long to wait before the next try, if `came` is worth one and it begins within the time that is `left`. `was_answered` says
    /// whether a server has had the request: one that redirected it, for instance.
    pub(super) fn again(
        &mut self,
        came: Result<&Response, &Error>,
        was_answered: bool,
        now: SystemTime,
        left: Duration,
    ) -> Option<Duration> {
        if !self.is_worth_it(came, was_answered) {
            return None;
        }
        let own = self.pauses.next()?;
        let asked = came.ok().and_then(|response| retry_after(response, now));
        // Exactly what the API asks for, but never at once: one that says 0 has said no.
        let pause = asked.map_or(own, |asked| asked.max(RETRY_PAUSE_MIN));
        if pause >= left {
            return None;
        }
        self.retries += 1;
        Some(pause)
    }

    fn is_worth_it(&self, came: Result<&Response, &Error>, was_answered: bool) -> bool {
        match came {
            Ok(response) => self.is_repeatable && matches!(response.status, 429 | 502..=504),
            // What was never sent can do no harm.
            Err(
                Error::Unreachable { was_sent: false, .. }
                | Error::TimedOut { phase: Phase::Connection, .. },
            ) => self.is_repeatable || !was_answered,
            Err(Error::Unreachable { .. } | Error::Broken { .. }) => self.is_repeatable,
            Err(_) => false,
        }
    }
}

/// When the API wants to be asked again: seconds, or a date (RFC 9110, section 10.2.3).
pub fn retry_after(response: &Response, now: SystemTime) -> Option<Duration> {
    let mut headers = response.headers.iter();
    let (_name, value) = headers.find(|(name, _value)| name == "retry-after")?;
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::error::Bound;

    const LONG: Duration = Duration::from_secs(3_600);
    /// A Sunday in 1994, RFC 9110's own example of a date.
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const DATE_SECONDS: u64 = 784_111_777;

    fn answer(status: u16, retry_after: Option<&str>) -> Response {
        let field = |value: &str| ("retry-after".to_owned(), value.to_owned());
        let headers = retry_after.map(field).into_iter().collect();
        Response { status, headers, ..Response::default() }
    }

    fn unreachable(was_sent: bool) -> Error {
        Error::Unreachable { endpoint: String::new(), cause: String::new(), was_sent }
    }

    fn timed_out(phase: Phase) -> Error {
        let (endpoint, after, bound) = (String::new(), Duration::ZERO, Bound::Exchange);
        Error::TimedOut { endpoint, after, phase, bound }
    }

    fn broken() -> Error {
        Error::Broken { endpoint: String::new(), cause: String::new() }
    }

    fn is_tried(is_repeatable: bool, came: Result<&Response, &Error>) -> bool {
        Tries::new(is_repeatable, 2).again(came, false, SystemTime::UNIX_EPOCH, LONG).is_some()
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (status, is_worth_it) in [
            (200, false),
            (304, false),
            (400, false),
            (401, false),
            (404, false),
            (408, false),
            (429, true),
            (500, false),
            (501, false),
            (502, true),
            (503, true),
            (504, true),
        ] {
            assert_eq!(is_tried(true, Ok(&answer(status, None))), is_worth_it, "{status}");
            assert!(!is_tried(false, Ok(&answer(status, None))), "{status}");
        }
    }

    #[test]
    fn what_may_do_harm_twice_is_tried_again_only_if_it_was_not_sent() {
        for (error, repeatable, other) in [
            (unreachable(false), true, true),
            (unreachable(true), true, false),
            (timed_out(Phase::Connection), true, true),
            (timed_out(Phase::Response), false, false),
            (timed_out(Phase::Body), false, false),
            (broken(), true, false),
        ] {
            let tried = [true, false].map(|repeats| is_tried(repeats, Err(&error)));
            assert_eq!(tried, [repeatable, other], "{error}");
        }
    }

    #[test]
    fn what_a_server_has_had_is_not_sent_again_because_another_is_away() {
        for error in [unreachable(false), timed_out(Phase::Connection)] {
            for (is_repeatable, expected) in [(true, true), (false, false)] {
                let mut tries = Tries::new(is_repeatable, 2);
                let again = tries.again(Err(&error), true, SystemTime::UNIX_EPOCH, LONG);
                assert_eq!(again.is_some(), expected, "{error}");
            }
        }
    }

    #[test]
    fn tries_come_to_an_end_and_pauses_grow() {
        let mut tries = Tries::new(true, 3);
        let came = answer(503, None);
        let pauses =
            std::iter::from_fn(|| tries.again(Ok(&came), false, SystemTime::UNIX_EPOCH, LONG));
        let pauses: Vec<_> = pauses.collect();
        assert_eq!((pauses.len(), tries.retries), (3, 3));
        assert!(pauses.windows(2).all(|pair| pair[1] > pair[0] / 2), "{pauses:?}");
        assert!(pauses[0] >= RETRY_PAUSE_MIN && pauses[2] <= RETRY_PAUSE_MAX * 2, "{pauses:?}");
        assert!(!is_tried(true, Err(&broken())) || Tries::new(true, 0).retries == 0);
        assert!(
            Tries::new(true, 0).again(Ok(&came), false, SystemTime::UNIX_EPOCH, LONG).is_none()
        );
    }

    #[test]
    fn an_api_that_says_when_is_asked_then_or_not_at_all() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(DATE_SECONDS - 90);
        for (value, expected) in [
            ("7", Some(Duration::from_secs(7))),
            (" 7 ", Some(Duration::from_secs(7))),
            ("0", Some(RETRY_PAUSE_MIN)),
            (DATE, Some(Duration::from_secs(90))),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(RETRY_PAUSE_MIN)),
            ("3600", None),
            ("99999999999999", None),
        ] {
            let came = answer(429, Some(value));
            assert_eq!(Tries::new(true, 2).again(Ok(&came), false, now, LONG), expected, "{value}");
        }
        // What is none is not there.
        for value in ["", "soon", "-1", "1.5", "99999999999999999999999999"] {
            let pause = Tries::new(true, 2).again(Ok(&answer(429, Some(value))), false, now, LONG);
            assert!(pause.is_some_and(|pause| pause <= RETRY_PAUSE_MIN * 2), "{value}");
        }
    }
}
