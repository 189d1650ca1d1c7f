//! Who asks, as far as Grafana tells.

use super::Secret;

/// What Grafana forwards of the request of the user, or the alert rule, that asks (contract section 4.3). Which of it reaches an API
/// is the settings' to say. Some of it is a credential, so all of it is kept like one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Header fields with lower-case names, sorted by these.
    headers: Vec<(String, Secret)>,
    /// Whether an alert rule asks.
    from_alert: bool,
}

impl Caller {
    /// A caller with these header fields; names in any case.
    pub fn new(headers: impl IntoIterator<Item = (String, String)>, from_alert: bool) -> Self {
        let headers = headers.into_iter();
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), Secret::new(value))).collect();
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { headers, from_alert }
    }

    /// The host itself, on nobody's behalf in particular, as for a live stream that many look at.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// The header fields of this name in lower case, in the order received.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Secret> {
        let fields = self.headers.iter().filter(move |(own, _)| own == name);
        fields.map(|(_, value)| value)
    }

    /// Whether an alert rule asks.
    pub fn is_from_alert(&self) -> bool {
        self.from_alert
    }
}
