//! Sockets of plugins that were killed, and could not take them along: Grafana kills one that does not end within two seconds.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::net::UnixStream;

use super::{FOLDER_PREFIX, SOCKET_NAME};

/// Another plugin that is starting has made its folder and nobody listens there yet. That takes it microseconds.
const AGE_MIN: Duration = Duration::from_secs(60);

/// Removes what killed plugins of this user left below `parent`. What is anything else, or cannot be told, stays.
pub(super) async fn sweep(parent: &Path) {
    let Ok(files) = fs::read_dir(parent) else { return };
    for folder in files.filter_map(Result::ok).filter(may_be_left_over) {
        let (folder, socket) = (folder.path(), folder.path().join(SOCKET_NAME));
        if !is_abandoned(&socket).await {
            continue;
        }
        // A folder that holds anything else is not removed.
        match fs::remove_file(&socket).and_then(|()| fs::remove_dir(&folder)) {
            Ok(()) => tracing::debug!(
                folder = %folder.display(),
                "Removed the socket of a plugin that was killed"
            ),
            Err(error) => tracing::debug!(
                folder = %folder.display(),
                %error,
                "The socket of a plugin that was killed stays"
            ),
        }
    }
}

/// Whether a folder is as this program makes them, is this user's, holds only the socket and is not new.
fn may_be_left_over(folder: &DirEntry) -> bool {
    let is_ours = || -> io::Result<bool> {
        // Not of what a link leads to.
        let metadata = folder.metadata()?;
        let is_old = metadata.modified()?.elapsed().is_ok_and(|age| age >= AGE_MIN);
        let is_private = metadata.mode() & 0o777 == 0o700 && metadata.uid() == geteuid().as_raw();
        if !(metadata.is_dir() && is_private && is_old) {
            return Ok(false);
        }
        let names = fs::read_dir(folder.path())?.take(2).map(|file| Ok(file?.file_name()));
        Ok(names.collect::<io::Result<Vec<_>>>()? == [SOCKET_NAME])
    };
    folder.file_name().as_encoded_bytes().starts_with(FOLDER_PREFIX.as_bytes())
        && is_ours().unwrap_or(false)
}

/// Whether nobody listens, and nobody ever will again: only whoever binds a socket can.
async fn is_abandoned(socket: &Path) -> bool {
    fs::symlink_metadata(socket).is_ok_and(|file| file.file_type().is_socket())
        && UnixStream::connect(socket)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
