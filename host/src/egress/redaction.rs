//! Takes the secrets of a datasource out of texts that others wrote: an API may quote what it was sent.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::settings::HttpSettings;
use crate::limits::REDACTED_BYTES_MIN;

/// What stands in the place of a secret.
const REDACTED: &str = "[REDACTED]";

/// The secrets of one datasource, in each form in which an API may quote them.
pub(super) struct Redaction(Vec<String>);

impl Redaction {
    /// Those of the settings.
    pub(super) fn new(settings: &HttpSettings) -> Self {
        let mut forms = Vec::new();
        let passwords = settings.basic_auth.as_ref().map(|basic| {
            forms.push(STANDARD.encode(format!("{}:{}", basic.user, basic.password.expose())));
            &basic.password
        });
        let socks = settings.socks.as_ref().map(|socks| &socks.password);
        let secrets = settings.all_secrets.iter().chain(passwords).chain(socks);
        for secret in secrets {
            add_forms(&mut forms, secret.expose());
        }
        Self::of_forms(forms)
    }

    /// That of a secret which the settings do not have.
    pub(super) fn of(secret: &str) -> Self {
        let mut forms = Vec::new();
        add_forms(&mut forms, secret);
        Self::of_forms(forms)
    }

    fn of_forms(mut forms: Vec<String>) -> Self {
        // The longest first, so that no part of one is left.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self(forms)
    }

    /// The text without them.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut redacted = Cow::Borrowed(text);
        for form in &self.0 {
            if redacted.contains(form.as_str()) {
                redacted = Cow::Owned(redacted.replace(form.as_str(), REDACTED));
            }
        }
        redacted
    }
}

/// How a secret may be quoted. What is too short to be one would be found in any text.
fn add_forms(forms: &mut Vec<String>, secret: &str) {
    let secret = secret.trim();
    if secret.len() < REDACTED_BYTES_MIN {
        return;
    }
    forms.push(secret.to_owned());
    forms.push(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
    forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    forms.push(serde_json::Value::from(secret).to_string().trim_matches('"').to_owned());
    forms.push(STANDARD.encode(secret));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::settings::BasicAuth;
    use crate::model::Secret;

    #[test]
    fn a_secret_is_taken_out_in_whatever_form_it_is_quoted() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let mut settings = HttpSettings::new(None);
        settings.all_secrets = vec![secret("hunter2 &\"x"), secret("short"), secret("hunter2")];
        let basic = BasicAuth { user: "ann".to_owned(), password: secret("pass word") };
        settings.basic_auth = Some(basic);
        let redaction = Redaction::new(&settings);
        for text in [
            "hunter2 &\"x",
            "hunter2%20%26%22x",
            "hunter2+%26%22x",
            "hunter2 &\\\"x",
            "hunter2",
            "pass word",
            "YW5uOnBhc3Mgd29yZA==",
            "aHVudGVyMg==",
        ] {
            assert_eq!(redaction.redact(&format!("<{text}>")), format!("<{REDACTED}>"), "{text}");
        }
        assert_eq!(redaction.redact("short and nothing else"), "short and nothing else");
    }
}
