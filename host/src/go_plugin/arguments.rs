//! What a person asks this program for: the flags of every Grafana plugin, with one dash or two, as Go reads them. Grafana gives none.

use std::ffi::OsString;

use super::standalone::PLUGIN_ID;

/// What this process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Grafana's plugin.
    Plugin,
    /// A developer's plugin, which Grafana finds.
    Standalone,
    /// A line on stdout: the version.
    Version,
    /// A line on stdout: what this is, as Grafana's build tools want to know it.
    BuildInfo,
}

/// An argument that means nothing.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "This program does not know the argument '{}'. It knows -standalone, to run beside Grafana instead of being started by it, \
     -version and -buildinfo.",
    .0.display()
)]
pub struct UnknownArgument(OsString);

impl Task {
    /// Reads the arguments that follow the program's name. Of several flags the one that does least counts.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, UnknownArgument> {
        let mut task = Self::Plugin;
        for argument in arguments {
            let flag = argument.to_str().and_then(|text| text.strip_prefix('-'));
            task = match (flag.map(|flag| flag.strip_prefix('-').unwrap_or(flag)), task) {
                (Some("version"), _) => Self::Version,
                (Some("buildinfo"), Self::Plugin | Self::Standalone) => Self::BuildInfo,
                (Some("standalone"), Self::Plugin) => Self::Standalone,
                (Some("buildinfo" | "standalone"), task) => task,
                _ => return Err(UnknownArgument(argument)),
            };
        }
        Ok(task)
    }

    /// What to print, if that is all.
    pub fn text(self) -> Option<String> {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::Plugin | Self::Standalone => None,
            Self::Version => Some(format!("{version}\n")),
            Self::BuildInfo => {
                let info = serde_json::json!({ "pluginID": PLUGIN_ID, "version": version });
                Some(format!("{info}\n"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(arguments: &[&str]) -> Result<Task, UnknownArgument> {
        Task::from_arguments(arguments.iter().map(OsString::from))
    }

    #[test]
    fn flags_have_one_dash_or_two() {
        for (arguments, expected) in [
            (&[][..], Task::Plugin),
            (&["-standalone"], Task::Standalone),
            (&["--standalone"], Task::Standalone),
            (&["-version"], Task::Version),
            (&["--buildinfo"], Task::BuildInfo),
            (&["-version", "-buildinfo", "-standalone"], Task::Version),
            (&["-standalone", "-buildinfo"], Task::BuildInfo),
        ] {
            assert_eq!(task(arguments), Ok(expected), "{arguments:?}");
        }
    }

    #[test]
    fn an_unknown_argument_is_named_beside_those_that_exist() {
        for argument in ["-standalon", "standalone", "---version", "", "-"] {
            let message = task(&["-version", argument]).unwrap_err().to_string();
            assert!(message.contains(&format!("'{argument}'")), "{message}");
            assert!(message.contains("-standalone"), "{message}");
        }
    }

    #[test]
    fn the_build_info_is_what_grafana_reads() {
        let text = Task::BuildInfo.text().unwrap();
        let info: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(info["pluginID"], "graft-datasource");
        assert_eq!(
            format!("{}\n", info["version"].as_str().unwrap()),
            Task::Version.text().unwrap()
        );
    }
}
