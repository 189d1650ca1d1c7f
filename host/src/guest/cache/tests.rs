use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;
use crate::guest::engine::configuration;

fn engine() -> Engine {
    Engine::new(&configuration()).unwrap()
}

pub(super) fn cache() -> (TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("graft"), &engine()).unwrap();
    (folder, cache)
}

#[test]
fn what_is_put_is_got_again_also_after_a_restart() {
    let (_folder, cache) = cache();
    let digest = Digest::of(b"component");
    assert_eq!(cache.get(Kind::Code, &digest), None);
    cache.put(Kind::Code, &digest, b"native code").unwrap();
    assert_eq!(cache.get(Kind::Code, &digest).as_deref(), Some(b"native code".as_slice()));
    let again = Cache::open(&cache.folder, &engine()).unwrap();
    assert_eq!(again.get(Kind::Code, &digest).as_deref(), Some(b"native code".as_slice()));
}

#[test]
fn a_file_that_was_changed_or_cut_anywhere_is_not_taken() {
    let (_folder, cache) = cache();
    let digest = Digest::of(b"component");
    cache.put(Kind::Code, &digest, b"native code").unwrap();
    let path = cache.path(Kind::Code, &digest);
    let whole = fs::read(&path).unwrap();
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert_eq!(cache.get(Kind::Code, &digest), None, "changed at {position}");
        fs::write(&path, &whole[..position]).unwrap();
        assert_eq!(cache.get(Kind::Code, &digest), None, "cut at {position}");
    }
    fs::write(&path, &whole).unwrap();
    assert!(cache.get(Kind::Code, &digest).is_some());
}

#[test]
fn a_file_of_another_installation_or_component_is_not_taken() {
    let (_folder, ours) = cache();
    let (_other_folder, theirs) = cache();
    let digest = Digest::of(b"component");
    theirs.put(Kind::Code, &digest, b"native code").unwrap();
    fs::copy(theirs.path(Kind::Code, &digest), ours.path(Kind::Code, &digest)).unwrap();
    assert_eq!(ours.get(Kind::Code, &digest), None);

    let other = Digest::of(b"other");
    ours.put(Kind::Code, &digest, b"native code").unwrap();
    fs::rename(ours.path(Kind::Code, &digest), ours.path(Kind::Code, &other)).unwrap();
    assert_eq!(ours.get(Kind::Code, &other), None);
}

#[test]
fn a_link_or_a_file_that_others_can_write_is_not_taken() {
    let (folder, cache) = cache();
    let digest = Digest::of(b"component");
    cache.put(Kind::Code, &digest, b"native code").unwrap();
    let path = cache.path(Kind::Code, &digest);
    fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
    assert_eq!(cache.get(Kind::Code, &digest), None);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert_eq!(cache.get(Kind::Code, &digest), None);
}

#[test]
fn a_folder_that_others_can_enter_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let Err(error) = Cache::open(folder.path(), &engine()) else { panic!("it was opened") };
    assert!(error.to_string().contains("mode 0700"), "{error}");
    let link = folder.path().join("link");
    let real = folder.path().join("real");
    DirBuilder::new().mode(0o700).create(&real).unwrap();
    symlink(&real, &link).unwrap();
    assert!(matches!(Cache::open(&link, &engine()), Err(CacheError::NotOurs { .. })));
}

#[test]
fn a_description_never_passes_for_code_nor_code_for_a_description() {
    let (_folder, cache) = cache();
    let digest = Digest::of(b"component");
    cache.put(Kind::Description, &digest, b"{}").unwrap();
    assert!(
        cache.path(Kind::Description, &digest).exists()
            && !cache.path(Kind::Code, &digest).exists()
    );
    assert_eq!(cache.get(Kind::Description, &digest).as_deref(), Some(b"{}".as_slice()));
    fs::rename(cache.path(Kind::Description, &digest), cache.path(Kind::Code, &digest)).unwrap();
    assert_eq!(cache.get(Kind::Code, &digest), None);

    // Not even if somebody writes what the file starts with anew.
    let mut bytes = fs::read(cache.path(Kind::Code, &digest)).unwrap();
    bytes[..MAGIC_BYTES].copy_from_slice(Kind::Code.magic());
    fs::write(cache.path(Kind::Code, &digest), bytes).unwrap();
    assert_eq!(cache.get(Kind::Code, &digest), None);
}
