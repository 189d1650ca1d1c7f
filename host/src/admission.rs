//! One admission, from start to end: may an admin save a data source with these settings?

mod bounds;
mod schema;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::datasource::{RawSettings, Registry};
use crate::guest;
use crate::model::Description;
use crate::{datasource, query};

/// What a review found, as sentences for the admin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Why the settings cannot be saved; none if they can.
    pub objections: Vec<String>,
    /// What the admin should know anyway.
    pub warnings: Vec<String>,
}

/// Reviews settings by what the host and the guest's description ask of them. `before` is what was saved until now: Grafana
/// does not send a secret again that has not changed.
///
/// A guest that cannot be asked at the moment is no reason not to save.
pub async fn review(
    registry: &Registry,
    mut settings: RawSettings,
    before: Option<RawSettings>,
    deadline: Instant,
) -> Review {
    for (name, value) in before.into_iter().flat_map(|before| before.secure_json_data) {
        settings.secure_json_data.entry(name).or_insert(value);
    }
    let objection = |sentence| Review { objections: vec![sentence], ..Review::default() };
    let warning = |sentence| Review { warnings: vec![sentence], ..Review::default() };
    let datasource = match registry.build(&settings, deadline).await {
        Ok(datasource) => datasource,
        Err(error) => {
            let sentence = error.user_message();
            let is_transient = matches!(
                error,
                datasource::Error::Panicked
                    | datasource::Error::Guest(
                        guest::Error::NotLoaded { .. } | guest::Error::TimedOut { .. }
                    )
            );
            return if is_transient { warning(sentence) } else { objection(sentence) };
        }
    };
    // A schema with a costly pattern holds up no other request.
    let check = move || Review {
        objections: objections(datasource.guest.description(), &settings),
        warnings: Vec::new(),
    };
    match timeout_at(deadline, spawn_blocking(check)).await {
        Ok(Ok(review)) => review,
        Ok(Err(_panicked)) => warning(query::Error::Panicked.user_message()),
        Err(_elapsed) => warning("The settings could not be checked in time.".to_owned()),
    }
}

fn objections(description: &Description, settings: &RawSettings) -> Vec<String> {
    let is_set = |name: &str| {
        let value = settings.secure_json_data.get(name);
        value.is_some_and(|value| !value.expose().is_empty())
    };
    let required = description.secrets.iter().filter(|secret| secret.required);
    let missing = required.filter(|secret| !is_set(&secret.name)).map(|secret| {
        format!(
            "The secret '{}' ({}) is not set, and nothing works without it.",
            secret.name, secret.title
        )
    });
    let mut objections: Vec<_> = missing.collect();
    objections.extend(schema::objections(&description.settings_schema, &settings.json_data));
    objections
}
