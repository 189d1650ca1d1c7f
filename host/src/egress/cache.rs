//! Answers that may be given again: HTTP's own cache (RFC 9111), private to each fingerprint, in memory, with a budget of bytes.
//!
//! What is fresh and how it is revalidated is the crate http-cache-semantics' to say. What a guest or an admin says about freshness is
//! put to it as if the API had said it; an API that forbids to store has the last word.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::Entry;
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_LENGTH, ETAG, EXPIRES, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, PRAGMA, RANGE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_cache_semantics::{
    AfterResponse, BeforeRequest, CacheOptions, CachePolicy, RequestLike, ResponseLike,
};
use quick_cache::Weighter;

use super::credentials::Prepared;
use super::fingerprint::Fingerprint;
use crate::limits::{CACHE_ENTRY_SHARE, Limits};
use crate::model::Response;

/// The answers of all datasources.
pub struct Cache {
    /// None if there is no room at all.
    entries: Option<quick_cache::sync::Cache<Fingerprint, Arc<Stored>, Bytes>>,
    /// The largest answer that is kept, bytes.
    entry_bytes: usize,
    now: fn() -> SystemTime,
}

/// An answer, and until when it may be given.
pub(super) struct Stored {
    policy: CachePolicy,
    response: Response,
    /// When it is fresh no more.
    fresh_until: SystemTime,
    /// How long after that it may be given if there is no other (RFC 5861, section 4), if the API says so.
    stale_if_error: Duration,
}

/// How fresh an answer is that does not say so itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Freshness {
    /// What the guest says of this request: before what the API says.
    pub(super) hint: Option<Duration>,
    /// For answers that say nothing.
    pub(super) default: Duration,
    /// Whether the answer is kept even if it is never fresh, for the time when there is no other.
    pub(super) for_errors: bool,
}

/// What the cache has.
pub(super) enum Found {
    /// An answer that can be given as it is.
    Fresh(Response),
    /// One that the API has to be asked about, with these header fields; or that can be given if the API fails.
    Stale(Arc<Stored>, HeaderMap),
    /// Nothing.
    Nothing,
}

/// What an entry takes.
#[derive(Clone)]
struct Bytes;

impl Weighter<Fingerprint, Arc<Stored>> for Bytes {
    fn weight(&self, _fingerprint: &Fingerprint, stored: &Arc<Stored>) -> u64 {
        stored.bytes() as u64
    }
}

impl Cache {
    /// A cache with nothing in it.
    pub fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, SystemTime::now)
    }

    /// The same, where `now` says what time it is.
    pub(super) fn with_clock(limits: &Limits, now: fn() -> SystemTime) -> Self {
        let bytes = limits.cache_bytes;
        let entry_bytes = bytes / CACHE_ENTRY_SHARE;
        // An answer of a typical API has some kilobytes.
        let items = bytes / (16 << 10) + 1;
        let new = || quick_cache::sync::Cache::with_weighter(items, bytes as u64, Bytes);
        Self { entries: (bytes > 0).then(new), entry_bytes, now }
    }

    /// What there is for a request.
    pub(super) fn look_up(&self, fingerprint: &Fingerprint, prepared: &Prepared) -> Found {
        let stored = self.entries.as_ref().and_then(|entries| entries.get(fingerprint));
        let Some(stored) = stored else { return Found::Nothing };
        let Some(asked) = Asked::of(prepared) else { return Found::Nothing };
        match stored.policy.before_request(&asked, (self.now)()) {
            BeforeRequest::Fresh(_parts) => Found::Fresh(stored.response.clone()),
            BeforeRequest::Stale { request, .. } => {
                let mut validators = HeaderMap::new();
                for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE] {
                    if let Some(value) = request.headers.get(&name) {
                        validators.insert(name, value.clone());
                    }
                }
                Found::Stale(stored, validators)
            }
        }
    }

    /// Keeps an answer if it may be kept and given again. Most may not. One that says that the API is not well says nothing about what was
    /// kept before: that is what the time of errors is for.
    pub(super) fn store(
        &self,
        fingerprint: Fingerprint,
        prepared: &Prepared,
        response: &Response,
        freshness: Freshness,
    ) {
        let (Some(entries), Some(asked)) = (&self.entries, Asked::of(prepared)) else { return };
        let Some(answer) = Answer::of(response) else { return };
        if let Some(stored) = self.judge(&asked, answer, response.clone(), freshness) {
            entries.insert(fingerprint, Arc::new(stored));
        } else if !matches!(response.status, 408 | 429 | 500..) {
            entries.remove(&fingerprint);
        }
    }

    fn judge(
        &self,
        asked: &Asked,
        mut answer: Answer,
        response: Response,
        mut freshness: Freshness,
    ) -> Option<Stored> {
        let stale_if_error = stale_if_error(&answer.headers);
        if !answer.status.is_success() {
            // Only the API itself can want something like "not found" to be given again.
            freshness = Freshness::default();
        }
        freshness.put_on(&mut answer.headers);
        let now = (self.now)();
        let policy = CachePolicy::new_options(asked, &answer, now, OPTIONS);
        let fresh_for = policy.time_to_live(now).min(SECONDS_MAX);
        let can_be_asked_about = [ETAG, LAST_MODIFIED]
            .into_iter()
            .any(|validator| answer.headers.contains_key(validator));
        let is_of_use = !fresh_for.is_zero() || can_be_asked_about || freshness.for_errors;
        let stored = Stored { policy, response, fresh_until: now + fresh_for, stale_if_error };
        (is_of_use && stored.policy.is_storable() && stored.bytes() <= self.entry_bytes)
            .then_some(stored)
    }

    /// What to give if the API was asked about a `stored` answer: the same again, if it says that nothing has changed.
    pub(super) fn revalidated(
        &self,
        fingerprint: Fingerprint,
        prepared: &Prepared,
        stored: &Stored,
        response: &Response,
        freshness: Freshness,
    ) -> Option<Response> {
        let (entries, asked) = (self.entries.as_ref()?, Asked::of(prepared)?);
        let mut answer = Answer::of(response)?;
        if answer.status == StatusCode::NOT_MODIFIED {
            // It was asked about this very answer. Servers need not repeat what it is known by (RFC 9110, section 15.4.5), and some add to it.
            let known = Answer::of(&stored.response)?;
            for name in [ETAG, LAST_MODIFIED] {
                match known.headers.get(&name) {
                    Some(value) => answer.headers.insert(name, value.clone()),
                    None => answer.headers.remove(name),
                };
            }
        }
        match stored.policy.after_response(&asked, &answer, (self.now)()) {
            AfterResponse::NotModified(_policy, parts) => {
                let response = Response {
                    status: parts.status.as_u16(),
                    headers: fields(&parts.headers),
                    body: stored.response.body.clone(),
                    failure: None,
                };
                let answer = Answer { status: parts.status, headers: parts.headers };
                if let Some(stored) = self.judge(&asked, answer, response.clone(), freshness) {
                    entries.insert(fingerprint, Arc::new(stored));
                }
                Some(response)
            }
            AfterResponse::Modified(..) => None,
        }
    }

    /// A `stored` answer for the time when the API gives none: within what the API says, or within `grace`.
    pub(super) fn despite_errors(&self, stored: &Stored, grace: Duration) -> Option<Response> {
        let most = grace.max(stored.stale_if_error);
        let until = stored.fresh_until.checked_add(most)?;
        (!most.is_zero() && (self.now)() < until).then(|| stored.response.clone())
    }
}

/// A private cache that guesses nothing.
const OPTIONS: CacheOptions = CacheOptions {
    shared: false,
    cache_heuristic: 0.0,
    immutable_min_time_to_live: Duration::ZERO,
    ignore_cargo_cult: false,
};

impl Stored {
    fn bytes(&self) -> usize {
        const OVERHEAD: usize = 1 << 10;
        let fields = self.response.headers.iter().map(|(name, value)| name.len() + value.len());
        // The policy has the header fields once more.
        OVERHEAD + self.response.body.len() + 2 * fields.sum::<usize>()
    }
}

impl Freshness {
    /// Says it in the API's place.
    fn put_on(&self, headers: &mut HeaderMap) {
        let says_nothing = !headers.contains_key(CACHE_CONTROL) && !headers.contains_key(EXPIRES);
        let most = match self.hint {
            Some(hint) => hint,
            None if says_nothing => self.default,
            None => return,
        };
        // A hint of less than a second is none: HTTP counts in seconds.
        if most.as_secs() == 0 || forbids_to_store(headers) {
            return;
        }
        let Ok(value) = HeaderValue::try_from(format!("max-age={}", most.as_secs())) else {
            return;
        };
        headers.insert(CACHE_CONTROL, value);
        headers.remove(EXPIRES);
        headers.remove(PRAGMA);
        // The answer may have been under way in other caches, but the hint counts from when it was received.
        headers.remove(AGE);
    }
}

/// More than anybody means, and what takes its place (RFC 9111, section 1.2.2): sums of it are still a time.
const SECONDS_MAX: Duration = Duration::from_secs(1 << 31);

/// Puts a bound to the numbers of seconds in the fields of caches.
fn bound_seconds(headers: &mut HeaderMap) {
    let is_too_much = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number && digits.parse().map_or(true, |seconds: u64| seconds > SECONDS_MAX.as_secs())
    };
    let most = SECONDS_MAX.as_secs().to_string();
    let bounded = |value: &HeaderValue| {
        let text = value.to_str().ok()?;
        let digits = text.split(|character: char| !character.is_ascii_digit());
        // The longest first, so that none is replaced in the middle of another.
        let mut numbers: Vec<_> = digits.filter(|digits| is_too_much(digits)).collect();
        numbers.sort_by_key(|digits| Reverse(digits.len()));
        let bounded = numbers.iter().fold(text.to_owned(), |text, it| text.replace(*it, &most));
        HeaderValue::try_from(bounded).ok()
    };
    for name in [AGE, CACHE_CONTROL] {
        if let Entry::Occupied(mut entry) = headers.entry(name) {
            for value in entry.iter_mut() {
                if let Some(bounded) = bounded(value) {
                    *value = bounded;
                }
            }
        }
    }
}

fn forbids_to_store(headers: &HeaderMap) -> bool {
    directives(headers).any(|directive| directive.eq_ignore_ascii_case("no-store"))
}

fn stale_if_error(headers: &HeaderMap) -> Duration {
    let seconds = directives(headers).find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let is_meant = name.trim().eq_ignore_ascii_case("stale-if-error");
        value.trim().trim_matches('"').parse::<u32>().ok().filter(|_seconds| is_meant)
    });
    Duration::from_secs(seconds.unwrap_or_default().into())
}

fn directives(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CACHE_CONTROL).into_iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// A request as the rules of caches look at it.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Asked {
    /// None if no answer to it can be kept: it asks for less than the whole, or on a condition of its own.
    fn of(prepared: &Prepared) -> Option<Self> {
        let conditions =
            [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];
        if conditions.iter().any(|name| prepared.headers.contains_key(name)) {
            return None;
        }
        // What a guest calls idempotent is a read to it. The body is part of the fingerprint.
        let method = match prepared.method {
            Method::HEAD => Method::HEAD,
            _ => Method::GET,
        };
        let uri = prepared.url.as_str().parse().ok()?;
        Some(Self { method, uri, headers: prepared.headers.clone() })
    }
}

impl RequestLike for Asked {
    fn uri(&self) -> Uri {
        self.uri.clone()
    }

    fn is_same_uri(&self, other: &Uri) -> bool {
        self.uri == *other
    }

    fn method(&self) -> &Method {
        &self.method
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// A response in the same way.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answer {
    fn of(response: &Response) -> Option<Self> {
        let status = StatusCode::from_u16(response.status).ok()?;
        let mut headers = HeaderMap::with_capacity(response.headers.len());
        for (name, value) in &response.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
        // The body is whole and decompressed by now.
        headers.remove(TRANSFER_ENCODING);
        bound_seconds(&mut headers);
        Some(Self { status, headers })
    }
}

impl ResponseLike for Answer {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let fields = headers.iter().filter(|(name, _value)| *name != CONTENT_LENGTH);
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    fields.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
