//! Which files count as guests: those that a lock pins, and those that are signed.

use std::fs;
use std::process::Command;

use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::QueryDataResponse;
use minisign::KeyPair;
use serde_json::json;

use crate::support::{Folder, built, error, frames};

async fn ask(plugin: &Plugin) -> QueryDataResponse {
    let datasource = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let query = Query::new("A", json!({"behaviour": "answer"}));
    plugin.query_data(datasource.query_data([query])).await.unwrap()
}

/// Asserts that the guest answers.
#[track_caller]
fn answers(response: &QueryDataResponse) {
    assert_eq!(frames(response, "A").len(), 1);
}

/// Asserts that the guest is refused, with these words.
#[track_caller]
fn refuses(response: &QueryDataResponse, words: &[&str]) {
    let (status, source, sentence) = error(response, "A");
    assert_eq!((status, source), (500, "plugin"), "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "'{word}' is not in: {sentence}");
    }
}

/// What `sha256sum *.wasm` says in the folder.
fn sha256sum(folder: &Folder) -> Vec<u8> {
    let command = "sha256sum *.wasm";
    let output = Command::new("sh").args(["-c", command]).current_dir(folder.path()).output();
    let output = output.unwrap();
    assert!(output.status.success() && !output.stdout.is_empty());
    output.stdout
}

/// The guest with something behind it that changes nothing but its bytes.
fn changed() -> Vec<u8> {
    let mut guest = fs::read(built("fixtures/odd")).unwrap();
    // A custom section, without a name and without content.
    guest.extend([0, 1, 0]);
    guest
}

#[tokio::test]
async fn a_locked_folder_has_the_guests_that_its_lock_lists_and_no_others() {
    let folder = Folder::with(&["fixtures/odd"]);
    folder.put("guests.lock", sha256sum(&folder));
    folder.put("more.wasm", changed());
    let plugin = Plugin::launch(folder.launch()).await.unwrap();
    answers(&ask(&plugin).await);
    let more = Datasource::new("more", "").settings(json!({"guest": "more"}));
    let query = Query::new("A", json!({"behaviour": "answer"}));
    let response = plugin.query_data(more.query_data([query])).await.unwrap();
    refuses(&response, &["guests.lock does not list more.wasm", "sha256sum *.wasm > guests.lock"]);
}

#[tokio::test]
async fn a_changed_guest_is_refused_until_its_lock_is_mended_and_the_old_one_serves_meanwhile() {
    let folder = Folder::with(&["fixtures/odd"]);
    let lock = sha256sum(&folder);
    folder.put("guests.lock", &lock);
    let plugin = Plugin::launch(folder.launch()).await.unwrap();
    answers(&ask(&plugin).await);
    folder.put("odd.wasm", changed());
    answers(&ask(&plugin).await);
    let line = plugin.logged(|line| line.says("A guest cannot be loaded")).await.unwrap();
    let (old, new) = (String::from_utf8(lock).unwrap(), sha256sum(&folder));
    let new = String::from_utf8(new).unwrap();
    for word in ["odd.wasm is not the file", &old[..12], &new[..12]] {
        assert!(line.text.contains(word), "'{word}' is not in: {}", line.text);
    }
    answers(&ask(&plugin).await);
    plugin.shutdown().await.unwrap();

    // After a restart there is no old one.
    let plugin = Plugin::launch(folder.launch()).await.unwrap();
    refuses(&ask(&plugin).await, &["odd.wasm is not the file that", &old[..12], &new[..12]]);
    refuses(&ask(&plugin).await, &["odd.wasm is not the file that"]);
    folder.put("guests.lock", new);
    answers(&ask(&plugin).await);
}

#[tokio::test]
async fn a_folder_without_a_lock_has_no_guests_where_one_is_required() {
    let folder = Folder::with(&["fixtures/odd"]);
    let plugin = Plugin::launch(folder.launch().setting("require_lock", "true")).await.unwrap();
    refuses(&ask(&plugin).await, &["there is no guests.lock in", "'require_lock' is on"]);
    folder.put("guests.lock", "# nothing yet\nodd.wasm\n");
    refuses(&ask(&plugin).await, &["line 2 of", "does not begin with a SHA-256 digest"]);
    folder.put("guests.lock", sha256sum(&folder));
    answers(&ask(&plugin).await);
}

#[tokio::test]
async fn a_signature_counts_if_it_is_by_a_configured_key_and_can_be_required() {
    let folder = Folder::with(&["fixtures/odd"]);
    let key_pair = || KeyPair::generate_unencrypted_keypair().unwrap();
    let (vendor, stranger) = (key_pair(), key_pair());
    let signed = |pair: &KeyPair, bytes: &[u8]| {
        minisign::sign(None, &pair.sk, bytes, None, None).unwrap().into_string()
    };
    let guest = fs::read(built("fixtures/odd")).unwrap();
    let keys = format!("{}, {}", key_pair().pk.to_base64(), vendor.pk.to_base64());
    let launch = || folder.launch().setting("signature_keys", &keys);

    let plugin = Plugin::launch(launch()).await.unwrap();
    answers(&ask(&plugin).await);
    plugin.shutdown().await.unwrap();

    let plugin = Plugin::launch(launch().setting("require_signature", "true")).await.unwrap();
    refuses(&ask(&plugin).await, &["there is no signature", "odd.wasm.minisig"]);
    folder.put("odd.wasm.minisig", signed(&stranger, &guest));
    refuses(&ask(&plugin).await, &["odd.wasm.minisig is by none of the keys", "signature_keys"]);
    folder.put("odd.wasm.minisig", "signed");
    refuses(&ask(&plugin).await, &["odd.wasm.minisig is not one of minisign's"]);
    folder.put("odd.wasm.minisig", signed(&vendor, &guest));
    answers(&ask(&plugin).await);
    // The replacement comes before its signature, and the old one serves until that is there.
    folder.put("odd.wasm", changed());
    answers(&ask(&plugin).await);
    plugin
        .logged(|line| line.text.contains("odd.wasm.minisig is not for this file"))
        .await
        .unwrap();
    folder.put("odd.wasm.minisig", signed(&vendor, &changed()));
    answers(&ask(&plugin).await);
}

#[tokio::test]
async fn a_key_that_is_none_ends_the_start() {
    let folder = Folder::with(&[]);
    let launched = Plugin::launch(folder.launch().setting("signature_keys", "RWsomething")).await;
    let Err(failed) = launched else { panic!("it started") };
    let is_told = failed.log.iter().any(|line| line.says("'signature_keys' is 'RWsomething'"));
    assert!(is_told, "{failed}");
}
