//! Is a guest's description valid? Pure; `wit/describe.wit` has the rules.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::limits::{DESCRIPTION_LINE_BYTES_MAX, GUEST_NAME_BYTES_MAX};
use crate::model::{Description, JsonObject, Pace, Secret};

/// Whether this can be a guest's name, and so a file's: it can never lead out of a folder.
pub fn is_guest_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=GUEST_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(legal)
}

/// Says what is wrong with the description of the guest in the file `name`.wasm, if anything.
pub(super) fn check(description: &Description, name: &str) -> Result<(), String> {
    if description.name != name {
        let theirs = shown(&description.name);
        return Err(format!("it calls itself '{theirs}', but its file is {name}.wasm"));
    }
    for (member, text) in [
        ("title", &description.title),
        ("version", &description.version),
        ("documentation", &description.documentation),
        ("vendor", &description.vendor),
    ] {
        let required = matches!(member, "title" | "version");
        if required && text.trim().is_empty() {
            return Err(format!("the {member} is empty"));
        }
        if text.len() > DESCRIPTION_LINE_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(format!("the {member} is too long or holds a control character"));
        }
    }
    for (member, schema) in [
        ("query-schema", &description.query_schema),
        ("settings-schema", &description.settings_schema),
    ] {
        let object = serde_json::from_str::<JsonObject>(schema);
        object.map_err(|error| format!("the {member} is not a JSON object ({error})"))?;
    }
    check_secrets(description)?;
    check_pace(description)
}

fn check_secrets(description: &Description) -> Result<(), String> {
    let mut names = HashSet::new();
    for secret in &description.secrets {
        let name = &secret.name;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if name.is_empty() || name.len() > GUEST_NAME_BYTES_MAX || !name.bytes().all(legal) {
            return Err(format!("'{}' is not a secret's name", shown(name)));
        }
        if Secret::is_of_host(name) {
            return Err(format!("the secret '{name}' is the host's own, and no guest may name it"));
        }
        if !names.insert(name) {
            return Err(format!("the secret '{name}' is there twice"));
        }
    }
    Ok(())
}

fn check_pace(description: &Description) -> Result<(), String> {
    let Pace { requests_per_second, burst, in_flight } = description.pace;
    if requests_per_second.is_some_and(|number| !number.is_finite() || number <= 0.0) {
        return Err("the requests-per-second of its pace is not a number above zero".to_owned());
    }
    for (member, count) in [("burst", burst), ("in-flight", in_flight)] {
        if count == Some(0) {
            return Err(format!("the {member} of its pace is zero"));
        }
    }
    Ok(())
}

/// Something that a stranger wrote, fit for a sentence.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(GUEST_NAME_BYTES_MAX).flat_map(char::escape_debug).collect()
}
