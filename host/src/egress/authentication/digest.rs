//! Digest access authentication (RFC 7616): the API's challenge is kept and answered with every request, so that only the first
//! one costs two.

use std::sync::{Mutex, MutexGuard, PoisonError};

use digest_auth::{AuthContext, HttpMethod, WwwAuthenticateHeader};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use url::Position;

use super::error::TokenError;
use crate::egress::credentials::Prepared;
use crate::egress::error::Error;
use crate::model::Secret;

/// Who answers.
pub(super) struct Digest {
    user: String,
    password: Secret,
    challenge: Mutex<Challenge>,
}

/// The last challenge, and how many there were.
#[derive(Default)]
struct Challenge {
    last: Option<WwwAuthenticateHeader>,
    generation: u64,
}

impl Digest {
    pub(super) fn new(user: String, password: Secret) -> Self {
        Self { user, password, challenge: Mutex::default() }
    }

    /// Puts an answer on a request, if there was a challenge, and says which it is for. Each has another count of the nonce's uses.
    pub(super) fn answer(&self, prepared: &mut Prepared) -> Result<u64, Error> {
        let mut challenge = self.lock();
        let generation = challenge.generation;
        let Some(last) = &mut challenge.last else { return Ok(generation) };
        let target = &prepared.url[Position::BeforePath..Position::AfterQuery];
        let context = AuthContext::new_with_method(
            self.user.as_str(),
            self.password.expose(),
            target,
            Some(prepared.body.as_ref()),
            HttpMethod::from(prepared.method.as_str()),
        );
        let answer = last.respond(&context).map(|answer| answer.to_header_string()).ok();
        let value = answer.and_then(|answer| HeaderValue::try_from(answer).ok());
        let mut value =
            value.ok_or_else(|| TokenError::Unusable { header: "Authorization".to_owned() })?;
        value.set_sensitive(true);
        prepared.headers.insert(AUTHORIZATION, value);
        Ok(generation)
    }

    /// Takes a new challenge. Returns whether to answer it: not if the same credentials were refused with a fresh one just now.
    pub(super) fn take_challenge(&self, generation: u64, headers: &HeaderMap) -> bool {
        let values = headers.get_all(WWW_AUTHENTICATE).into_iter();
        let values = values.filter_map(|value| value.to_str().ok());
        // Several algorithms may be offered; the strongest that is known comes first by RFC 7616, section 3.7.
        let parsed = values.filter_map(digest_in).find_map(|value| digest_auth::parse(&value).ok());
        let Some(parsed) = parsed else { return false };
        let mut challenge = self.lock();
        if challenge.generation == generation {
            challenge.last = Some(parsed);
            challenge.generation += 1;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Challenge> {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The challenge for digest authentication in a field, which may have others before it (RFC 9110, section 11.6.1), written as the crate
/// reads it.
fn digest_in(value: &str) -> Option<String> {
    const SCHEME: &str = "digest ";
    let lower = value.to_ascii_lowercase();
    let begins = |at: &usize| *at == 0 || value[..*at].trim_end().ends_with(',');
    let at = lower.match_indices(SCHEME).map(|(at, _scheme)| at).find(begins)?;
    Some(format!("Digest {}", &value[at + SCHEME.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_found_wherever_it_stands_and_however_it_is_written() {
        let own = "realm=\"here\", nonce=\"n\", qop=\"auth\"";
        for (value, is_one) in [
            (format!("Digest {own}"), true),
            (format!("digest {own}"), true),
            (format!("DIGEST {own}"), true),
            (format!("Basic realm=\"here\", Digest {own}"), true),
            ("Basic realm=\"a digest of it\"".to_owned(), false),
            ("Bearer".to_owned(), false),
        ] {
            let found = digest_in(&value).and_then(|value| digest_auth::parse(&value).ok());
            assert_eq!(found.map(|it| it.realm), is_one.then(|| "here".to_owned()), "{value}");
        }
    }
}
