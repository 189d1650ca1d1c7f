//! Grafana's process of the plugin while a developer's runs: it tells Grafana where that one is, and does nothing else.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

use super::{ADDRESS_FILE, ADDRESS_VARIABLE, PROCESS_FILE, address_variable};
use crate::go_plugin::handshake;
use crate::go_plugin::parent::Watched;

/// An address, or a number. What is longer is neither.
const FILE_BYTES_MAX: u64 = 1024;

/// Knows where a developer's plugin is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locator {
    address: String,
    /// The developer's process, if it said so.
    process: Option<Pid>,
}

/// Why what there is to be found of a developer's plugin does not count.
#[derive(Debug, thiserror::Error)]
pub enum Ignored {
    /// An address is none.
    #[error(
        "{place} says '{text}', which is not of the form host:port, so this plugin serves by itself"
    )]
    Address {
        /// What says so.
        place: String,
        /// What it says.
        text: String,
    },
    /// A process number is none.
    #[error(
        "'{}' says '{text}', which is no process number, so this plugin serves by itself. Remove the file",
        .file.display()
    )]
    Number {
        /// The file.
        file: PathBuf,
        /// What it says.
        text: String,
    },
    /// The developer's process was killed, and left its files.
    #[error(
        "'{}' names process {process}, which does not run any more, so this plugin serves by itself. {ADDRESS_FILE} and \
         {PROCESS_FILE} can be removed",
        .file.display()
    )]
    Stale {
        /// The file with the number.
        file: PathBuf,
        /// The number.
        process: i32,
    },
    /// A file is there, and is not for this user.
    #[error("'{}' cannot be read, so this plugin serves by itself", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
}

impl Locator {
    /// Looks for a developer's plugin: the variable says where it is, or else the file beside the executable does, as long as the
    /// process of the other file runs.
    ///
    /// `started_as` is what Grafana called this process by. If the plugin's folder holds a link to the executable, that is in
    /// the folder, while `executable`, the operating system's word for it, is where the link leads to.
    pub fn find(
        variables: &HashMap<OsString, OsString>,
        started_as: Option<&Path>,
        executable: &Path,
    ) -> Result<Option<Self>, Ignored> {
        if let Some(address) = address_variable(variables) {
            let address = checked(address, ADDRESS_VARIABLE)?;
            return Ok(Some(Self { address, process: None }));
        }
        // A name alone may have been looked up anywhere.
        let named = started_as.filter(|path| path.is_absolute()).map(Self::beside).transpose()?;
        match named.flatten() {
            Some(locator) => Ok(Some(locator)),
            None => Self::beside(executable),
        }
    }

    fn beside(executable: &Path) -> Result<Option<Self>, Ignored> {
        let file = executable.with_file_name(ADDRESS_FILE);
        let Some(address) = read(&file)? else { return Ok(None) };
        let address = checked(address, &format!("'{}'", file.display()))?;
        let file = executable.with_file_name(PROCESS_FILE);
        // Grafana's oldest plugins do not write it.
        let Some(text) = read(&file)? else { return Ok(Some(Self { address, process: None })) };
        let process = text.parse().ok().filter(|number| *number > 0).and_then(Pid::from_raw);
        let Some(process) = process else { return Err(Ignored::Number { file, text }) };
        if test_kill_process(process).is_err() {
            return Err(Ignored::Stale { file, process: process.as_raw_nonzero().get() });
        }
        Ok(Some(Self { address, process: Some(process) }))
    }

    /// Tells Grafana the address, and stays until `ended` is ready or the developer's process is gone, when Grafana starts the plugin
    /// anew. An error means that Grafana could not be told.
    pub async fn run(self, ended: impl Future<Output = ()>) -> io::Result<()> {
        handshake::announce_standalone(&self.address)?;
        tracing::info!(
            address = self.address,
            "This process only tells Grafana where the plugin runs that was started with -standalone"
        );
        tokio::select! {
            () = ended => {}
            () = gone(self.process) => {
                tracing::info!("The plugin that was started with -standalone is gone: ending");
            }
        }
        Ok(())
    }
}

async fn gone(process: Option<Pid>) {
    match process.map(Watched::new) {
        Some(Ok(process)) => process.ended().await,
        // It ended just now, or processes cannot be watched here.
        Some(Err(_)) if process.is_some_and(|process| test_kill_process(process).is_err()) => {}
        Some(Err(_)) | None => std::future::pending().await,
    }
}

/// The text of a file, without white space around; none if there is no file or nothing in it.
fn read(file: &Path) -> Result<Option<String>, Ignored> {
    let mut text = String::new();
    match File::open(file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Ignored::Unreadable { file: file.to_owned(), error }),
    }
}

/// A host may be left out; a field of the handshake must not break.
fn checked(text: String, place: &str) -> Result<String, Ignored> {
    let is_of_host = |character: char| character.is_alphanumeric() || "-._:[]%".contains(character);
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        host.chars().all(is_of_host) && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if is_address { Ok(text) } else { Err(Ignored::Address { place: place.to_owned(), text }) }
}
