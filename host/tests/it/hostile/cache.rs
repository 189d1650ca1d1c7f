//! What somebody else put into the folder of compiled guests is not loaded: it is compiled anew.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use graft_launch::{Datasource, Launch, Plugin, Query};
use rustix::process::geteuid;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Folder, error, frames};

/// A guest that answers, and is compiled at once.
const GUEST: &str = "calls-leave-marks";

/// A folder of guests and one of compiled guests, which the plugin has used once.
struct Used {
    guests: Folder,
    cache: TempDir,
}

impl Used {
    async fn once() -> Self {
        let guests = Folder::with(&[]);
        hostile_guests::install(GUEST, guests.path()).unwrap();
        let cache = tempfile::tempdir().unwrap();
        fs::set_permissions(cache.path(), Permissions::from_mode(0o700)).unwrap();
        let used = Self { guests, cache };
        assert_eq!(used.compiled().await, 1);
        assert_eq!(used.compiled().await, 0, "it is in the cache");
        used
    }

    fn launch(&self) -> Launch {
        self.guests.launch().setting("cache", self.cache.path())
    }

    /// Starts the plugin, has the guest answer, and says how often it was compiled.
    async fn compiled(&self) -> usize {
        let plugin = Plugin::launch(self.launch()).await.unwrap();
        let datasource = Datasource::new("marks", "").settings(json!({ "guest": GUEST }));
        let request = datasource.query_data([Query::new("A", json!({}))]);
        assert_eq!(frames(&plugin.query_data(request).await.unwrap(), "A").len(), 1);
        let exit = plugin.shutdown().await.unwrap();
        exit.log.iter().filter(|line| line.says("Compiling a guest")).count()
    }

    /// The native code of the guest.
    fn file(&self) -> PathBuf {
        let entries = fs::read_dir(self.cache.path()).unwrap();
        let mut files = entries.map(|entry| entry.unwrap().path());
        files.find(|path| path.extension() == Some("cwasm".as_ref())).unwrap()
    }

    /// After this change it is compiled anew, and then it is in the cache again.
    async fn is_compiled_anew_after(change: impl FnOnce(&Path)) {
        let used = Self::once().await;
        change(&used.file());
        assert_eq!(used.compiled().await, 1);
    }
}

#[tokio::test]
async fn a_file_that_was_cut_is_compiled_anew() {
    Used::is_compiled_anew_after(|file| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_was_changed_is_compiled_anew() {
    Used::is_compiled_anew_after(|file| {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_without_its_seal_is_compiled_anew() {
    Used::is_compiled_anew_after(|file| {
        let bytes = fs::read(file).unwrap();
        let code = bytes.windows(4).position(|window| window == b"\x7fELF").unwrap();
        fs::write(file, &bytes[code..]).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_of_another_engine_is_compiled_anew() {
    Used::is_compiled_anew_after(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        let (digest, _engine) = name.split_once('-').unwrap();
        fs::rename(file, file.with_file_name(format!("{digest}-0123456789abcdef.cwasm"))).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_others_can_write_is_compiled_anew() {
    Used::is_compiled_anew_after(|file| {
        fs::set_permissions(file, Permissions::from_mode(0o660)).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_link_to_a_file_is_compiled_anew() {
    Used::is_compiled_anew_after(|file| {
        let elsewhere = file.with_extension("elsewhere");
        fs::rename(file, &elsewhere).unwrap();
        symlink(&elsewhere, file).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_of_another_user_is_compiled_anew() {
    // Only root can give a file away; for others the mode says the same.
    Used::is_compiled_anew_after(|file| match geteuid().is_root() {
        true => chown(file, Some(65_534), None).unwrap(),
        false => fs::set_permissions(file, Permissions::from_mode(0o604)).unwrap(),
    })
    .await;
}

#[tokio::test]
async fn a_file_of_another_installation_is_compiled_anew() {
    let other = Used::once().await;
    Used::is_compiled_anew_after(|file| {
        fs::copy(other.file(), file).unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_was_compiled_is_no_guest_by_another_name() {
    let used = Used::once().await;
    let bytes = fs::read(used.file()).unwrap();
    let code = bytes.windows(4).position(|window| window == b"\x7fELF").unwrap();
    // As a vendor would send it, so that the host does not have to compile it.
    used.guests.put("compiled.wasm", &bytes[code..]);
    let plugin = Plugin::launch(used.launch()).await.unwrap();
    let datasource = Datasource::new("x", "").settings(json!({"guest": "compiled"}));
    let request = datasource.query_data([Query::new("A", json!({}))]);
    let response = plugin.query_data(request).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (500, "plugin"), "{sentence}");
    let reason = "Guest 'compiled' cannot be used: its file is native code, not a WebAssembly";
    assert!(sentence.starts_with(reason), "{sentence}");
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_no_cache() {
    let used = Used::once().await;
    fs::set_permissions(used.cache.path(), Permissions::from_mode(0o770)).unwrap();
    assert_eq!(used.compiled().await, 1);
    assert_eq!(used.compiled().await, 1, "nothing is kept there");
}
