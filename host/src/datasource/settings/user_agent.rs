//! Who requests say that they come from: Grafana and this plugin, in the words of the Go SDK (contract section 9).

/// This plugin's id.
const PLUGIN_ID: &str = "graft-datasource";

/// `Grafana/12.0.0 (linux; amd64) graft-datasource/1.0.0`, or `Grafana graft-datasource/1.0.0` if Grafana did not say
/// who it is, or not in that form. It becomes a header value, so that nothing else gets in.
pub(super) fn compose(grafana: &str, plugin_version: &str) -> String {
    let grafana = if is_grafana(grafana) { grafana } else { "Grafana" };
    let version = match plugin_version {
        version if is_version(version) => version,
        _ => env!("CARGO_PKG_VERSION"),
    };
    format!("{grafana} {PLUGIN_ID}/{version}")
}

/// Whether a text is `Grafana/<version> (<os>; <arch>)` (contract section 2.2).
fn is_grafana(text: &str) -> bool {
    let parts = || {
        let (version, platform) = text.strip_prefix("Grafana/")?.split_once(" (")?;
        let (system, architecture) = platform.strip_suffix(')')?.split_once("; ")?;
        Some((version, system, architecture))
    };
    let word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    parts().is_some_and(|(version, system, architecture)| {
        is_version(version) && word(system) && word(architecture)
    })
}

/// Whether a text is a version: `12.0.0`, perhaps with more behind it, such as `-pre` or `+security-01`.
fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.matches('.').count() >= 2
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}
