//! The socket that Grafana connects to: contract section 1.4.

mod leftovers;
#[cfg(test)]
mod tests;

use std::fs::{self, Permissions};
use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};

use super::environment::Network;
use super::mutual_tls::MutualTls;

/// Of the folder of its own that a Unix socket is in; what follows is random.
const FOLDER_PREFIX: &str = "graft-";
/// The socket in that folder.
const SOCKET_NAME: &str = "plugin";

/// A bound socket. Connections wait in it from the moment it exists; it lives as long as the process, for Grafana comes
/// back to the same address after a connection broke.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: Socket,
    address: String,
    /// None if everybody who reaches the socket may connect, in plain text.
    pub(super) mutual_tls: Option<MutualTls>,
}

#[derive(Debug)]
pub(super) enum Socket {
    /// A Unix socket alone in a folder of its own, which goes when this value is dropped.
    Unix(UnixListener, TempDir),
    /// A TCP socket, on loopback if nobody says otherwise.
    Tcp(TcpListener),
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// No folder for the socket can be made.
    #[error(
        "no folder for the plugin's socket can be made below '{}'. PLUGIN_UNIX_SOCKET_DIR or TMPDIR must name a folder that \
         Grafana's user can write to",
        .folder.display()
    )]
    Folder {
        /// Where it should be.
        folder: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The socket cannot be made in its folder.
    #[error(
        "the plugin's socket '{}' cannot be made. A path of a socket has at most 107 bytes; TMPDIR or \
         PLUGIN_UNIX_SOCKET_DIR can name another folder",
        .path.display()
    )]
    Socket {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The handshake line cannot hold the path.
    #[error(
        "the path '{}' holds a '|', a line break or no UTF-8, so the handshake cannot name the plugin's socket. TMPDIR or \
         PLUGIN_UNIX_SOCKET_DIR can name another folder",
        .path.display()
    )]
    Unspeakable {
        /// The socket's path.
        path: PathBuf,
    },
    /// There is no such group.
    #[error("PLUGIN_UNIX_SOCKET_GROUP names the group '{group}', which this system does not have")]
    UnknownGroup {
        /// Its name.
        group: String,
    },
    /// The socket cannot be opened to the group.
    #[error(
        "the plugin's socket cannot be given to the group '{group}' of PLUGIN_UNIX_SOCKET_GROUP"
    )]
    Group {
        /// Its name or number.
        group: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// A developer's address cannot be had.
    #[error(
        "nothing can listen at '{address}'. GF_PLUGIN_GRPC_ADDRESS_GRAFT_DATASOURCE can name another host:port of this machine"
    )]
    Address {
        /// Host and port.
        address: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// No port is free.
    #[error("no port from {} to {} of 127.0.0.1 is free for the plugin", .ports.start(), .ports.end())]
    Port {
        /// Those that were tried.
        ports: RangeInclusive<u16>,
        /// What is wrong with the last.
        #[source]
        error: io::Error,
    },
}

impl Listener {
    /// Binds a socket. Must be called within tokio's runtime.
    pub async fn bind(network: &Network) -> Result<Self, ListenError> {
        match network {
            Network::Unix { folder, group } => {
                leftovers::sweep(folder).await;
                bind_unix(folder, group.as_deref())
            }
            Network::Tcp { ports } => bind_tcp(ports).await,
        }
    }

    /// Binds a TCP socket at `host:port`, for a developer's plugin.
    pub async fn bind_address(address: &str) -> Result<Self, ListenError> {
        let failed = |error| ListenError::Address { address: address.to_owned(), error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        if !bound.ip().is_loopback() {
            tracing::warn!(
                "Everybody who reaches {bound} can speak with this plugin as Grafana does"
            );
        }
        Ok(Self::new(Socket::Tcp(listener), bound.to_string()))
    }

    fn new(socket: Socket, address: String) -> Self {
        Self { socket, address, mutual_tls: None }
    }

    /// The same, but with mutual TLS if there is any.
    pub fn secured(self, mutual_tls: Option<MutualTls>) -> Self {
        Self { mutual_tls, ..self }
    }

    /// This process's certificate, DER, if there is mutual TLS.
    pub(super) fn certificate(&self) -> Option<&[u8]> {
        self.mutual_tls.as_ref().map(MutualTls::certificate)
    }

    /// The kind of network, in go-plugin's words.
    pub fn network(&self) -> &'static str {
        match self.socket {
            Socket::Unix(..) => "unix",
            Socket::Tcp(..) => "tcp",
        }
    }

    /// The socket's path, or host and port.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// A fresh folder that nobody else can enter keeps everybody out from the first moment on, whatever the umask is.
fn bind_unix(folder: &Path, group: Option<&str>) -> Result<Listener, ListenError> {
    let failed = |error| ListenError::Folder { folder: folder.to_owned(), error };
    let parent = std::path::absolute(folder).map_err(failed)?;
    let mut fresh = tempfile::Builder::new();
    fresh.prefix(FOLDER_PREFIX).permissions(Permissions::from_mode(0o700));
    let folder = fresh.tempdir_in(parent).map_err(failed)?;

    let path = folder.path().join(SOCKET_NAME);
    let address = path.to_str().filter(|path| !path.contains(['|', '\n', '\r'])).map(str::to_owned);
    let Some(address) = address else { return Err(ListenError::Unspeakable { path }) };
    let failed = |error| ListenError::Socket { path: path.clone(), error };
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    if let Some(group) = group {
        admit(group, &path, folder.path())?;
    }
    Ok(Listener::new(Socket::Unix(listener, folder), address))
}

/// Lets the members of a group connect, and look up the socket by its name, but not see or change what else there is.
fn admit(group: &str, socket: &Path, folder: &Path) -> Result<(), ListenError> {
    let failed = |error| ListenError::Group { group: group.to_owned(), error };
    let number = match group.parse() {
        Ok(number) => number,
        Err(_name) => Group::from_name(group)
            .map_err(|error| failed(error.into()))?
            .ok_or_else(|| ListenError::UnknownGroup { group: group.to_owned() })?
            .gid
            .as_raw(),
    };
    for (path, mode) in [(socket, 0o660), (folder, 0o710)] {
        chown(path, None, Some(number)).map_err(failed)?;
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    }
    Ok(())
}

async fn bind_tcp(ports: &RangeInclusive<u16>) -> Result<Listener, ListenError> {
    let failed = |error| ListenError::Port { ports: ports.clone(), error };
    let mut reason = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for port in ports.clone() {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let address = listener.local_addr().map_err(failed)?.to_string();
                return Ok(Listener::new(Socket::Tcp(listener), address));
            }
            Err(error) => reason = error,
        }
    }
    Err(failed(reason))
}
