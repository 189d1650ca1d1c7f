use super::*;
use crate::model::{Pace, SecretDescription};

fn description() -> Description {
    Description {
        name: "things".to_owned(),
        title: "Things".to_owned(),
        version: "1.0.0".to_owned(),
        vendor: String::new(),
        documentation: String::new(),
        query_schema: "{}".to_owned(),
        settings_schema: r#"{"type":"object"}"#.to_owned(),
        secrets: Vec::new(),
        capabilities: Vec::new(),
        methods: Vec::new(),
        hosts: Vec::new(),
        pace: Pace::default(),
        cache_for: None,
    }
}

fn wrong(change: impl FnOnce(&mut Description)) -> String {
    let mut description = description();
    change(&mut description);
    check(&description, "things").unwrap_err()
}

fn secret(name: &str) -> SecretDescription {
    let (name, title, help) = (name.to_owned(), String::new(), String::new());
    SecretDescription { name, title, help, required: false }
}

#[test]
fn a_name_can_never_lead_out_of_a_folder() {
    assert!(is_guest_name("prometheus-2"));
    for name in ["", ".", "..", "a/b", "A", "a.wasm", "ä", &"a".repeat(65)] {
        assert!(!is_guest_name(name), "{name}");
    }
}

#[test]
fn a_description_with_the_least_there_must_be_is_valid() {
    assert_eq!(check(&description(), "things"), Ok(()));
}

#[test]
fn a_guest_is_named_as_its_file_is() {
    let sentence = wrong(|description| description.name = "other\n".to_owned());
    assert_eq!(sentence, r"it calls itself 'other\n', but its file is things.wasm");
}

#[test]
fn what_people_read_must_be_there_and_fit_a_line() {
    assert_eq!(wrong(|description| description.version.clear()), "the version is empty");
    let sentence = wrong(|description| description.title = "a\nb".to_owned());
    assert_eq!(sentence, "the title is too long or holds a control character");
}

#[test]
fn a_schema_is_one_json_object() {
    for schema in ["", "[]", "{} {}", "{\"a\":}"] {
        let sentence = wrong(|description| description.query_schema = schema.to_owned());
        assert!(sentence.starts_with("the query-schema is not a JSON object ("), "{sentence}");
    }
}

#[test]
fn a_secrets_name_fits_a_placeholder_and_is_there_once() {
    let sentence = wrong(|description| description.secrets.push(secret("a}}")));
    assert_eq!(sentence, "'a}}' is not a secret's name");
    let twice = || vec![secret("apiKey"), secret("apiKey")];
    let sentence = wrong(|description| description.secrets = twice());
    assert_eq!(sentence, "the secret 'apiKey' is there twice");
}

#[test]
fn a_secret_that_is_the_hosts_own_is_no_guests() {
    for name in ["basicAuthPassword", "tlsClientKey", "httpHeaderValue7"] {
        let sentence = wrong(|description| description.secrets.push(secret(name)));
        let expected = format!("the secret '{name}' is the host's own, and no guest may name it");
        assert_eq!(sentence, expected);
    }
}
