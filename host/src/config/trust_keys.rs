//! What an admin demands of guests' files, as keys of grafana.ini.

use super::keys::{REQUIRE_LOCK, REQUIRE_SIGNATURE, SIGNATURE_KEYS, SWITCH};
use super::{ConfigError, Variables};
use crate::guest::{SignatureKey, Trust};

/// How much of a key that is none is shown. Somebody may have taken the secret key for the public one.
const SHOWN_CHARACTERS: usize = 16;

/// The demands, each as its key says, else none.
pub(super) fn read(variables: &Variables<'_>) -> Result<Trust, ConfigError> {
    let trust = Trust {
        require_lock: switch(variables, REQUIRE_LOCK)?,
        keys: signature_keys(variables)?,
        require_signature: switch(variables, REQUIRE_SIGNATURE)?,
    };
    if trust.require_signature && trust.keys.is_empty() {
        let expected = format!(
            "possible without '{SIGNATURE_KEYS}', the public keys of those who sign guests"
        );
        return Err(ConfigError { key: REQUIRE_SIGNATURE, value: "true".to_owned(), expected });
    }
    Ok(trust)
}

fn switch(variables: &Variables<'_>, key: &'static str) -> Result<bool, ConfigError> {
    let Some(value) = variables.key(key) else { return Ok(false) };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ConfigError { key, value, expected: SWITCH.to_owned() }),
    }
}

fn signature_keys(variables: &Variables<'_>) -> Result<Vec<SignatureKey>, ConfigError> {
    let keys = variables.key(SIGNATURE_KEYS).unwrap_or_default();
    let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty());
    keys.map(|key| SignatureKey::parse(key).ok_or_else(|| no_key(key))).collect()
}

fn no_key(text: &str) -> ConfigError {
    let mut value: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if value.len() < text.len() {
        value.push('…');
    }
    let expected = "a public key of minisign's: the second line of its .pub file, which has 56 characters and begins with 'RW'";
    ConfigError { key: SIGNATURE_KEYS, value, expected: expected.to_owned() }
}
