//! What the tests need: guests that were built, folders of them, the launched plugin, and APIs on loopback.

mod api;
pub(crate) mod faulty;
pub(crate) mod servers;
pub(crate) mod collector;

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};

use graft_launch::frames::Frame;
use graft_launch::{Launch, Plugin};
use graft_proto::pluginv2::{DataResponse, QueryDataResponse};
use tempfile::TempDir;

pub(crate) use api::{Answer, Api, Seen};

/// The folder that cargo builds into.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// A guest that `cargo xtask guests` built, such as `things` or `fixtures/odd`.
pub(crate) fn built(guest: &str) -> PathBuf {
    let path = target().join("guests").join(guest).with_extension("wasm");
    assert!(path.is_file(), "{} is not there: run `cargo xtask guests`", path.display());
    path
}

/// A folder of guests for one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with these guests.
    pub(crate) fn with(guests: &[&str]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for guest in guests {
            let built = built(guest);
            symlink(&built, folder.path().join(built.file_name().unwrap())).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a file beside the guests.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        // As an admin should replace a guest: at one stroke.
        let new = self.path().join("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, self.path().join(name)).unwrap();
    }

    /// How Grafana starts the plugin with these guests. Compiled guests are shared by all tests, because CPython takes
    /// its time.
    pub(crate) fn launch(&self) -> Launch {
        Launch::new(env!("CARGO_BIN_EXE_gpx_graft"))
            .setting("guests", self.path())
            .setting("cache", cache())
            // The first to ask CPython's guest waits until it is compiled, on a machine that runs all other tests as well.
            .setting("query_time", "5m")
    }
}

/// The folder of compiled guests.
pub(crate) fn cache() -> PathBuf {
    let cache = target().join("guests-cache");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&cache).unwrap();
    cache
}

/// Starts the plugin with these guests.
pub(crate) async fn plugin(guests: &[&str]) -> (Plugin, Folder) {
    let folder = Folder::with(guests);
    let plugin = Plugin::launch(folder.launch()).await.unwrap();
    (plugin, folder)
}

/// The frames that answer a ref id, which must be there without an error.
#[track_caller]
pub(crate) fn frames(response: &QueryDataResponse, ref_id: &str) -> Vec<Frame> {
    let answer = answer(response, ref_id);
    assert_eq!((answer.error.as_str(), answer.status), ("", 200), "{ref_id}");
    graft_launch::frames::decode_all(&answer.frames).unwrap()
}

/// The answer to a ref id, which must be there.
#[track_caller]
pub(crate) fn answer<'a>(response: &'a QueryDataResponse, ref_id: &str) -> &'a DataResponse {
    let answer = response.responses.get(ref_id);
    answer.unwrap_or_else(|| panic!("no answer to {ref_id} in {response:?}"))
}

/// Status, source and sentence of an answer that must be an error.
#[track_caller]
pub(crate) fn error<'a>(response: &'a QueryDataResponse, ref_id: &str) -> (i32, &'a str, &'a str) {
    let answer = answer(response, ref_id);
    assert_ne!(answer.error, "", "{ref_id} has no error");
    assert!(answer.frames.is_empty(), "{ref_id} has frames beside its error");
    (answer.status, &answer.error_source, &answer.error)
}
