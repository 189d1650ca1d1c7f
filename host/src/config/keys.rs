//! The keys of grafana.ini, section `[plugin.graft-datasource]`, in words: the admin's documentation is made from them.

use super::limit_keys::LIMITS;
use crate::limits::Limits;

/// Folders with guests.
pub(super) const GUESTS: &str = "guests";
/// Folder for compiled guests.
pub(super) const CACHE: &str = "cache";
/// Whether folders without a lock have no guests.
pub(super) const REQUIRE_LOCK: &str = "require_lock";
/// Whose signatures count.
pub(super) const SIGNATURE_KEYS: &str = "signature_keys";
/// Whether guests without a signature are none.
pub(super) const REQUIRE_SIGNATURE: &str = "require_signature";
/// What [`REQUIRE_LOCK`] and [`REQUIRE_SIGNATURE`] can be.
pub(super) const SWITCH: &str = "'true' or 'false'";
/// Hosts that data sources may allow to their guests.
pub(super) const ALLOWED_HOSTS: &str = "allowed_hosts";
/// What [`ALLOWED_HOSTS`] is for none.
pub(super) const NO_HOSTS: &str = "none";
/// The least important lines that are logged.
pub(super) const LOG_LEVEL: &str = "log_level";
/// What [`LOG_LEVEL`] can be.
pub(super) const LOG_LEVELS: &str = "'trace', 'debug', 'info', 'warn' or 'error'";

/// A key that an admin may set, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key, as grafana.ini has it.
    pub key: &'static str,
    /// What counts without it.
    pub default: String,
    /// What it can be set to.
    pub expected: String,
    /// What it is for, one sentence.
    pub meaning: &'static str,
}

/// All keys, in the order of the documentation.
pub fn keys() -> Vec<Key> {
    let text = |key, default: &str, expected: &str, meaning| Key {
        key,
        default: default.to_owned(),
        expected: expected.to_owned(),
        meaning,
    };
    let mut keys = vec![
        text(
            GUESTS,
            "none",
            "absolute paths, separated by commas",
            "Folders with guests, besides the folder 'guests' beside the plugin's executable.",
        ),
        text(
            CACHE,
            "$XDG_CACHE_HOME/graft, else $HOME/.cache/graft, else no cache",
            "an absolute path",
            "The folder that keeps compiled guests from one start to the next.",
        ),
        text(
            REQUIRE_LOCK,
            "false",
            SWITCH,
            "Whether guests are taken only from folders with a file 'guests.lock', which pins their digests.",
        ),
        text(
            SIGNATURE_KEYS,
            "none",
            "public keys of minisign's, separated by commas",
            "Whose signatures of guests count; one that is there has to be by one of these keys.",
        ),
        text(
            REQUIRE_SIGNATURE,
            "false",
            SWITCH,
            "Whether guests are taken only with a signature by one of the 'signature_keys'.",
        ),
        text(
            ALLOWED_HOSTS,
            "any",
            "hosts, or host:port, separated by commas, or 'none'",
            "The hosts besides its own that a data source may allow to its guest.",
        ),
        text(LOG_LEVEL, "info", LOG_LEVELS, "The least important lines that are logged."),
        // Read where the socket is made, in `go_plugin/environment.rs`.
        text(
            "network",
            "unix",
            "'unix' or 'tcp'",
            "The kind of socket that Grafana reaches the plugin by.",
        ),
    ];
    let mut defaults = Limits::default();
    keys.extend(LIMITS.iter().map(|limit| Key {
        key: limit.key,
        default: limit.bound.show(&mut defaults),
        expected: limit.bound.expected(),
        meaning: limit.meaning,
    }));
    keys
}
