//! How Grafana starts a plugin: contract section 1.2.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// What go-plugin sets, over everything else.
const GO_PLUGIN_VARIABLES: [(&str, &str); 4] = [
    ("grafana_plugin_type", "datasource"),
    ("PLUGIN_MIN_PORT", "10000"),
    ("PLUGIN_MAX_PORT", "25000"),
    ("PLUGIN_PROTOCOL_VERSIONS", "2"),
];

/// What Grafana passes on from its own environment even to a plugin that is not to see it.
const PERMITTED_VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/// The Grafana that this crate plays.
pub(crate) const GRAFANA_VERSION: &str = "13.1.0";

/// How the plugin is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    pub(crate) binary: PathBuf,
    arguments: Vec<OsString>,
    pub(crate) start_timeout: Duration,
    /// Of grafana.ini's section for the plugin, as variables.
    settings: BTreeMap<OsString, OsString>,
    /// Added to this process's own environment, which plays the part of grafana-server's.
    variables: BTreeMap<OsString, OsString>,
    skips_host_environment: bool,
    folder: PathBuf,
    /// What a shell runs in the place of the binary.
    script: Option<String>,
    pub(crate) mutual_tls: bool,
    pub(crate) log_lines_max: usize,
}

impl Launch {
    /// This binary, as a Grafana without any setting for it would start it, from the folder `/`.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            arguments: Vec::new(),
            // go-plugin's default, which Grafana leaves.
            start_timeout: Duration::from_secs(60),
            settings: BTreeMap::new(),
            variables: BTreeMap::new(),
            skips_host_environment: false,
            folder: PathBuf::from("/"),
            script: None,
            mutual_tls: false,
            log_lines_max: usize::MAX,
        }
    }

    /// An argument, which Grafana never gives: for a plugin that an interpreter runs.
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// A setting as in grafana.ini's section for the plugin: `guests` reaches it as `GF_PLUGIN_GUESTS`.
    pub fn setting(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        let name = format!("GF_PLUGIN_{}", key.to_uppercase());
        self.settings.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// A variable in grafana-server's own environment. It counts more than a setting, and less than what go-plugin sets.
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Keeps grafana-server's environment from the plugin, as Grafana's `SkipHostEnv` does: there is no `PATH`, no `HOME` and no
    /// `TMPDIR` then.
    pub fn skip_host_environment(mut self) -> Self {
        self.skips_host_environment = true;
        self
    }

    /// The folder that grafana-server was started from, which is the plugin's too.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        folder.as_ref().clone_into(&mut self.folder);
        self
    }

    /// Starts a shell, which is to start the plugin, `$0`. Whatever the shell leaves running has its stdout and stderr.
    pub fn by_shell(mut self, script: &str) -> Self {
        self.script = Some(script.to_owned());
        self
    }

    /// Asks for mutual TLS, go-plugin's AutoMTLS, which Grafana leaves off.
    pub fn mutual_tls(mut self) -> Self {
        self.mutual_tls = true;
        self
    }

    /// Keeps at most so many lines of the log, for plugins that write for hours: where there are more, the older half goes.
    pub fn keep_log_lines(mut self, most: usize) -> Self {
        self.log_lines_max = most;
        self
    }

    /// How long to wait for the handshake, if not 60 s.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// The command, killed when it is dropped.
    pub(crate) fn command(&self) -> Command {
        let mut command = match &self.script {
            None => Command::new(&self.binary),
            Some(script) => {
                let mut shell = Command::new("/bin/sh");
                shell.arg("-c").arg(script).arg(&self.binary);
                shell
            }
        };
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment(std::env::vars_os()))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The plugin's environment. Where two parties name one variable the later counts: Grafana, grafana-server's environment,
    /// go-plugin.
    fn environment(
        &self,
        host: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> BTreeMap<OsString, OsString> {
        let is_permitted = |name: &OsString| {
            !self.skips_host_environment || PERMITTED_VARIABLES.iter().any(|known| name == known)
        };
        let host = host.into_iter().chain(self.variables.clone());
        let own = |pair: (&str, &str)| (pair.0.into(), pair.1.into());
        [own(("GF_VERSION", GRAFANA_VERSION))]
            .into_iter()
            .chain(self.settings.clone())
            .chain(host.filter(|(name, _value)| is_permitted(name)))
            .chain(GO_PLUGIN_VARIABLES.map(own))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(launch: &Launch) -> BTreeMap<OsString, OsString> {
        let host = [("PATH", "/bin"), ("GF_PLUGIN_CACHE", "/host"), ("no_proxy", "localhost")];
        launch.environment(host.map(|(name, value)| (name.into(), value.into())))
    }

    fn value<'a>(environment: &'a BTreeMap<OsString, OsString>, name: &str) -> Option<&'a str> {
        environment.get(OsStr::new(name)).and_then(|value| value.to_str())
    }

    #[test]
    fn settings_reach_the_plugin_in_upper_case() {
        let environment = environment(&Launch::new("x").setting("guests", "/a"));
        assert_eq!(value(&environment, "GF_PLUGIN_GUESTS"), Some("/a"));
        assert_eq!(value(&environment, "GF_VERSION"), Some(GRAFANA_VERSION));
        assert_eq!(value(&environment, "PATH"), Some("/bin"));
    }

    #[test]
    fn the_hosts_environment_counts_more_than_grafana_and_less_than_go_plugin() {
        let launch = Launch::new("x")
            .setting("cache", "/setting")
            .variable("PLUGIN_PROTOCOL_VERSIONS", "7")
            .variable("PATH", "/other");
        let environment = environment(&launch);
        assert_eq!(value(&environment, "GF_PLUGIN_CACHE"), Some("/host"));
        assert_eq!(value(&environment, "PLUGIN_PROTOCOL_VERSIONS"), Some("2"));
        assert_eq!(value(&environment, "PATH"), Some("/other"));
    }

    #[test]
    fn a_plugin_that_skips_the_hosts_environment_sees_only_its_proxies() {
        let launch = Launch::new("x").setting("cache", "/setting").skip_host_environment();
        let environment = environment(&launch);
        assert_eq!(value(&environment, "PATH"), None);
        assert_eq!(value(&environment, "no_proxy"), Some("localhost"));
        assert_eq!(value(&environment, "GF_PLUGIN_CACHE"), Some("/setting"));
        assert_eq!(value(&environment, "grafana_plugin_type"), Some("datasource"));
    }
}
