//! The data source's settings: those of Grafana's own Prometheus data source.

use std::time::Duration;

use graft_guest::{Parameter, Refusal};
use serde::Deserialize;

use crate::duration;
use crate::tolerance;

/// How often Prometheus scrapes if nobody says otherwise: Grafana's default, not Prometheus' own.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(15);

/// What this guest reads of `jsonData`. Whatever else Grafana's data source stores there is for
/// its editor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// `GET`, or `POST` (the default).
    #[serde(deserialize_with = "tolerance::text")]
    http_method: String,
    /// The scrape interval, a duration such as `15s`.
    #[serde(deserialize_with = "tolerance::text")]
    time_interval: String,
    /// What Prometheus is told as a query's `timeout`.
    #[serde(deserialize_with = "tolerance::text")]
    query_timeout: String,
    /// What every request carries besides, as a URL's query: `max_source_resolution=5m&dedup=true`.
    #[serde(deserialize_with = "tolerance::text")]
    custom_query_parameters: String,
    /// Where the trace of an exemplar can be found.
    #[serde(deserialize_with = "tolerance::list")]
    pub(crate) exemplar_trace_id_destinations: Vec<TraceDestination>,
}

/// Where the trace that an exemplar belongs to can be found.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TraceDestination {
    /// The exemplar's label that holds the trace's id.
    #[serde(deserialize_with = "tolerance::text")]
    pub(crate) name: String,
    /// A URL with Grafana's variables, such as `${__value.raw}`.
    #[serde(deserialize_with = "tolerance::text")]
    pub(crate) url: String,
    /// What the link is called.
    #[serde(deserialize_with = "tolerance::text")]
    pub(crate) url_display_label: String,
    /// The data source of traces to ask instead of a URL.
    #[serde(deserialize_with = "tolerance::text")]
    pub(crate) datasource_uid: String,
}

impl Settings {
    /// Whether queries are sent as GET. Prometheus before 2.1 and some proxies know nothing else.
    pub(crate) fn only_get(&self) -> bool {
        self.http_method.eq_ignore_ascii_case("get")
    }

    /// How often Prometheus scrapes: the shortest distance of points that makes sense.
    ///
    /// # Errors
    /// If the settings hold a text that is no duration.
    pub(crate) fn scrape_interval(&self) -> Result<Duration, Refusal> {
        if self.time_interval.is_empty() {
            return Ok(SCRAPE_INTERVAL);
        }
        duration::parse(&self.time_interval)
            .ok_or_else(|| not_a_duration("scrape interval (`timeInterval`)", &self.time_interval))
    }

    /// What a query's `timeout` is, if the admin set one.
    ///
    /// # Errors
    /// If the settings hold a text that is no duration: Prometheus would refuse every query.
    pub(crate) fn query_timeout(&self) -> Result<Option<&str>, Refusal> {
        let timeout = self.query_timeout.as_str();
        match duration::parse(timeout) {
            _ if timeout.is_empty() => Ok(None),
            Some(_) => Ok(Some(timeout)),
            None => Err(not_a_duration("query timeout (`queryTimeout`)", timeout)),
        }
    }

    /// What every request carries besides.
    pub(crate) fn custom_parameters(&self) -> impl Iterator<Item = Parameter> {
        let query = self.custom_query_parameters.trim_start_matches(['?', '&']);
        form_urlencoded::parse(query.as_bytes()).map(|pair| Parameter::from((pair.0, pair.1)))
    }
}

fn not_a_duration(setting: &str, text: &str) -> Refusal {
    Refusal::BadSettings(format!(
        "The data source's {setting} is {text:?}, which is no duration. An admin can change it to \
         one like '15s' or '1m'."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> Settings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn everything_may_be_left_out() {
        let nothing = settings("{}");
        assert!(!nothing.only_get());
        assert_eq!(nothing.scrape_interval(), Ok(Duration::from_secs(15)));
        assert_eq!(nothing.query_timeout(), Ok(None));
        assert_eq!(nothing.custom_parameters().count(), 0);
    }

    #[test]
    fn odd_types_are_as_good_as_absent() {
        let odd = settings(
            r#"{"httpMethod":7,"timeInterval":null,"queryTimeout":{},"customQueryParameters":[],
                "exemplarTraceIdDestinations":[1,{"name":"trace"}],"manageAlerts":true}"#,
        );
        assert!(!odd.only_get());
        assert_eq!(odd.scrape_interval(), Ok(Duration::from_secs(15)));
        assert_eq!(odd.query_timeout(), Ok(None));
        assert_eq!(odd.custom_parameters().count(), 0);
        assert_eq!(odd.exemplar_trace_id_destinations[0].name, "trace");
    }

    #[test]
    fn custom_parameters_are_decoded() {
        let custom = settings(r#"{"customQueryParameters":"?match%5B%5D=a+b&dedup=true&flag"}"#);
        let pairs: Vec<_> =
            custom.custom_parameters().map(|pair| (pair.name, pair.value)).collect();
        let expected = [("match[]", "a b"), ("dedup", "true"), ("flag", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_setting_that_is_no_duration_is_the_admins_to_mend() {
        let wrong = settings(r#"{"timeInterval":"often","queryTimeout":"long"}"#);
        let Err(Refusal::BadSettings(text)) = wrong.scrape_interval() else { panic!() };
        assert!(text.contains("`timeInterval`") && text.contains("\"often\""), "{text}");
        assert!(matches!(wrong.query_timeout(), Err(Refusal::BadSettings(_))));
    }
}
