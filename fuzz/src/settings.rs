//! The settings of a data source, as admins and provisioning files leave them.

use std::collections::HashMap;

use graft_host::datasource::RawSettings;
use graft_host::guest::is_guest_name;
use graft_host::model::Secret;

use crate::parts::{lines, parts};

/// The value of every secret, which nothing may show.
const CANARY: &str = "c4n4ry-that-nothing-shows";

/// Resolves settings. The parts are: URL, users (that of basic authentication, and the older one, a line each), names of secrets
/// (a line each), jsonData.
pub fn settings(data: &[u8]) {
    let parts = parts(data);
    let part = |index: usize| parts.get(index).map(String::as_str).unwrap_or_default();
    let users = lines(part(1));
    let secrets: HashMap<_, _> =
        lines(part(2)).into_iter().map(|name| (name, Secret::new(CANARY.to_owned()))).collect();
    let raw = RawSettings {
        url: part(0).to_owned(),
        basic_auth_enabled: !users.is_empty(),
        basic_auth_user: users.first().cloned().unwrap_or_default(),
        user: users.get(1).cloned().unwrap_or_default(),
        secure_json_data: secrets,
        json_data: part(3).to_owned().into(),
        ..RawSettings::default()
    };
    // Whoever wrote the canary into the settings themselves is shown it.
    let mut shown = vec![format!("{raw:?}")];
    match raw.resolve() {
        Ok(settings) => {
            shown.push(format!("{settings:?}"));
            assert!(is_guest_name(&settings.guest), "{:?}", settings.guest);
            assert!(settings.view.secrets.is_sorted());
            if let Some(url) = &settings.http.base_url {
                assert!(matches!(url.scheme(), "http" | "https"), "{url}");
                assert!(url.username().is_empty() && url.password().is_none(), "{url}");
                assert!(url.query().is_none_or(str::is_empty) && url.fragment().is_none(), "{url}");
            }
            assert!(!settings.view.url.chars().any(char::is_control), "{:?}", settings.view.url);
        }
        Err(error) => shown.push(error.to_string()),
    }
    if !String::from_utf8_lossy(data).contains(CANARY) {
        assert!(shown.iter().all(|text| !text.contains(CANARY)), "{shown:?}");
    }
}
