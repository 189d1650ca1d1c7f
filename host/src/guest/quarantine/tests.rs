use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

/// What a process leaves behind: its record, not locked any more. Each thread's guest and state.
fn leave_behind(folder: &Path, slots: &[(u8, u8)]) -> PathBuf {
    let path = folder.join("running-before");
    let slot = |(byte, state): &(u8, u8)| [[*byte; 32].as_slice(), &[*state], &[0; 31]].concat();
    fs::write(&path, slots.iter().flat_map(slot).collect::<Vec<_>>()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn what_ran_in_a_thread_that_crashed_is_not_run_any_more() {
    let folder = tempfile::tempdir().unwrap();
    // Idle; running when it was killed from outside; crashed.
    let record = leave_behind(folder.path(), &[(1, 0), (2, 1), (3, 2)]);
    let quarantine = Quarantine::open(folder.path()).unwrap();
    let marks = [1, 2, 3].map(|byte| quarantine.mark_of(&digest(byte)).is_some());
    assert_eq!(marks, [false, false, true]);
    assert!(!record.exists(), "it was settled");
    let again = Quarantine::open(folder.path()).unwrap();
    fs::remove_file(again.mark_of(&digest(3)).unwrap()).unwrap();
    assert!(again.mark_of(&digest(3)).is_none(), "an admin may try again");
}

#[test]
fn the_record_of_a_process_that_is_at_work_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at_work = Quarantine::open(folder.path()).unwrap();
    let noted = at_work.note(&digest(7));
    record::mark_crashed();
    let other = Quarantine::open(folder.path()).unwrap();
    assert!(other.mark_of(&digest(7)).is_none());
    drop(noted);
    let records = || fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(records(), 2);
    drop(other);
    assert_eq!(records(), 1, "a process that ends well leaves nothing behind");
}

#[test]
fn only_what_runs_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let quarantine = Quarantine::open(folder.path()).unwrap();
    let crashed = || {
        let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let digests = record::crashed(&File::open(path).unwrap()).unwrap();
        digests.iter().map(Digest::to_string).collect::<Vec<_>>()
    };
    drop(quarantine.note(&digest(1)));
    record::mark_crashed();
    assert!(crashed().is_empty());
    let _noted = quarantine.note(&digest(0xab));
    record::mark_crashed();
    assert_eq!(crashed(), ["ab".repeat(32)]);
}

#[test]
fn what_is_no_record_of_ours_marks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("running-of-somebody"), [2; 64]).unwrap();
    fs::create_dir(folder.path().join("running-folder")).unwrap();
    assert!(Quarantine::open(folder.path()).is_ok());
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(MARK)));
}
