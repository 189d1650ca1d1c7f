//! Who is measured.

use std::net::SocketAddr;
use std::path::PathBuf;

use graft_launch::{Datasource, Launch};
use graft_proto::pluginv2::QueryDataRequest;
use tempfile::TempDir;

use super::api::Api;
use super::left_out::LeftOut;
use super::peers;
use crate::guests;
use crate::host::{self, Installed};

/// What a plugin is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rust,
    Go,
    Python,
    JavaScriptGuest,
    PythonGuest,
}

impl Kind {
    /// What it is called in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Graft, guest in Rust",
            Self::Go => "Plugin in Go",
            Self::Python => "Plugin in Python",
            Self::JavaScriptGuest => "Graft, guest in JavaScript *",
            Self::PythonGuest => "Graft, guest in Python *",
        }
    }

    /// Whether it is the host with a guest.
    pub(super) fn is_host(self) -> bool {
        self.guest().is_some()
    }

    fn guest(self) -> Option<&'static str> {
        match self {
            Self::Rust => Some("things"),
            Self::JavaScriptGuest => Some("javascript"),
            Self::PythonGuest => Some("python"),
            Self::Go | Self::Python => None,
        }
    }
}

/// A plugin that can be started and asked.
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) api: Api,
    launch: Launch,
}

impl Subject {
    /// How it is started: all with Grafana's own settings.
    pub(super) fn launch(&self) -> Launch {
        self.launch.clone()
    }

    /// One query for so many rows.
    pub(super) fn request(&self, address: SocketAddr, rows: usize) -> QueryDataRequest {
        self.api.request(&self.datasource(&format!("rows-{rows}"), address, rows))
    }

    /// A data source for so many rows. The peers do not look at the guest's name.
    pub(super) fn datasource(&self, uid: &str, address: SocketAddr, rows: usize) -> Datasource {
        self.api.datasource(uid, self.kind.guest().unwrap_or("things"), address, rows)
    }
}

/// All that could be built.
pub(super) struct Subjects {
    pub(super) list: Vec<Subject>,
    /// The host, with the guests.
    pub(super) installed: Installed,
    pub(super) binary: PathBuf,
    /// Where plugins put their sockets, so that those of plugins that were killed go.
    sockets: TempDir,
}

impl Subjects {
    /// Builds them.
    pub(super) fn gather(left_out: &mut LeftOut) -> anyhow::Result<Self> {
        let mut built = vec![guests::build("things")?, guests::build("prometheus")?];
        let javascript = left_out.unless("the guest in JavaScript", guests::javascript());
        let python = left_out.unless("the guest in Python", guests::python());
        let kinds = [
            (Kind::Rust, true),
            (Kind::JavaScriptGuest, javascript.is_some()),
            (Kind::PythonGuest, python.is_some()),
        ];
        built.extend(javascript.into_iter().chain(python));
        let binary = host::build(true)?;
        let (installed, sockets) = (Installed::new(&binary, &built)?, tempfile::tempdir()?);
        let mut subjects = Self { list: Vec::new(), installed, binary, sockets };
        for (kind, _built) in kinds.into_iter().filter(|(_kind, is_built)| *is_built) {
            let api = if kind == Kind::Rust { Api::Things } else { Api::Sensors };
            let launch = subjects.launch();
            subjects.list.push(Subject { kind, api, launch });
        }
        let peers = [
            (Kind::Go, left_out.unless("the plugin in Go", peers::go())),
            (Kind::Python, left_out.unless("the plugin in Python", peers::python())),
        ];
        let peers = peers.into_iter().filter_map(|(kind, launch)| Some((kind, launch?)));
        for (place, (kind, launch)) in (1..).zip(peers) {
            let launch = launch.variable("TMPDIR", subjects.sockets.path());
            subjects.list.insert(place, Subject { kind, api: Api::Things, launch });
        }
        Ok(subjects)
    }

    /// How the host is started.
    pub(super) fn launch(&self) -> Launch {
        self.installed.launch().variable("TMPDIR", self.sockets.path())
    }
}
