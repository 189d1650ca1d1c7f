//! Builders for a guest's self-description.

use std::time::Duration;

use crate::request::nanoseconds;
use crate::{Capability, Description, Method, Pace, Secret};

impl Description {
    /// A description with what every guest must have: the name that `jsonData.guest` and the
    /// component's file carry, the name for people, and the guest's version, usually
    /// `env!("CARGO_PKG_VERSION")`.
    ///
    /// It starts with the capability `metrics` and the method GET.
    pub fn new(name: &str, title: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            version: version.to_owned(),
            vendor: String::new(),
            documentation: String::new(),
            query_schema: "{}".to_owned(),
            settings_schema: "{}".to_owned(),
            secrets: Vec::new(),
            capabilities: vec![Capability::Metrics],
            methods: vec![Method::Get],
            hosts: Vec::new(),
        }
    }

    /// Who made the guest.
    #[must_use]
    pub fn vendor(mut self, vendor: &str) -> Self {
        self.vendor = vendor.to_owned();
        self
    }

    /// Where the guest's documentation is.
    #[must_use]
    pub fn documentation(mut self, url: &str) -> Self {
        self.documentation = url.to_owned();
        self
    }

    /// JSON Schema of the query, as JSON text.
    #[must_use]
    pub fn query_schema(mut self, schema: &str) -> Self {
        self.query_schema = schema.to_owned();
        self
    }

    /// JSON Schema of the settings, as JSON text.
    #[must_use]
    pub fn settings_schema(mut self, schema: &str) -> Self {
        self.settings_schema = schema.to_owned();
        self
    }

    /// A secret that the admin must enter. `name` is for [`secret`](crate::secret), `title` is what
    /// the settings page calls it, and `help` is a sentence that says what it is and where the
    /// admin finds it.
    #[must_use]
    pub fn secret(self, name: &str, title: &str, help: &str) -> Self {
        self.with_secret(name, title, help, true)
    }

    /// A secret that the admin may enter. Whether it is set, the guest sees in
    /// [`Configured::secrets`](crate::Configured).
    #[must_use]
    pub fn optional_secret(self, name: &str, title: &str, help: &str) -> Self {
        self.with_secret(name, title, help, false)
    }

    fn with_secret(mut self, name: &str, title: &str, help: &str, required: bool) -> Self {
        let (name, title, help) = (name.to_owned(), title.to_owned(), help.to_owned());
        self.secrets.push(Secret { name, title, help, required });
        self
    }

    /// What the guest can be used for, instead of `metrics` alone.
    #[must_use]
    pub fn capabilities(mut self, capabilities: &[Capability]) -> Self {
        self.capabilities = capabilities.to_vec();
        self
    }

    /// The methods the guest sends, instead of GET alone.
    #[must_use]
    pub fn methods(mut self, methods: &[Method]) -> Self {
        self.methods = methods.to_vec();
        self
    }

    /// A host the guest needs besides that of the data source's URL, as `host` or `host:port`. The
    /// admin must allow it.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }
}

impl Default for Pace {
    /// Nothing said.
    fn default() -> Self {
        Self { requests_per_second: None, burst: None, in_flight: None, cache_for: None }
    }
}

impl Pace {
    /// So many requests in a second, on average. Must be above zero.
    #[must_use]
    pub fn requests_per_second(mut self, number: f64) -> Self {
        self.requests_per_second = Some(number);
        self
    }

    /// So many requests may follow each other at once after a pause. At least 1.
    #[must_use]
    pub fn burst(mut self, requests: u32) -> Self {
        self.burst = Some(requests);
        self
    }

    /// So many requests at the same time. At least 1.
    #[must_use]
    pub fn in_flight(mut self, requests: u32) -> Self {
        self.in_flight = Some(requests);
        self
    }

    /// A response may be served again for this long if neither it nor its request says so.
    #[must_use]
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.cache_for = Some(nanoseconds(time));
        self
    }
}
