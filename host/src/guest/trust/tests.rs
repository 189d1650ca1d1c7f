//! Locks line by line, signatures by whom, and what is demanded of a file in a folder.

use std::os::unix::fs::symlink;

use minisign::KeyPair;
use tempfile::TempDir;

use super::*;

const COMPONENT: &[u8] = b"a component";

/// The line of a lock for [`COMPONENT`].
fn line(file: &str) -> String {
    format!("{}  {file}\n", Digest::of(COMPONENT))
}

/// What a lock of this text says about [`COMPONENT`] in `things.wasm`.
fn judge(lock: &str) -> Result<(), String> {
    let lock = Lock::parse(Path::new("/g/guests.lock"), lock.as_bytes());
    let judged =
        lock.and_then(|lock| lock.check(Path::new("/g/things.wasm"), &Digest::of(COMPONENT)));
    judged.map_err(|error| error.to_string())
}

#[test]
fn a_lock_is_what_sha256sum_writes_with_comments() {
    let (things, other) = (line("things.wasm"), line("other.wasm"));
    for lock in [
        things.clone(),
        things.trim_end().to_owned(),
        format!("{other}{things}"),
        format!("# Installed by hand.\n\n{things}   \n"),
        things.replace('\n', "\r\n"),
        things.replace("  ", " *"),
        things.replace("  ", "  ./"),
        things.to_uppercase().replace("THINGS.WASM", "things.wasm"),
    ] {
        assert_eq!(judge(&lock), Ok(()), "{lock}");
    }
}

#[test]
fn a_line_that_is_none_is_refused_with_its_number() {
    let digest = Digest::of(COMPONENT).to_string();
    let things = line("things.wasm");
    let no_digest = "does not begin with a SHA-256 digest, which has 64 hexadecimal digits";
    let no_name = "has no file's name after two blanks behind its digest";
    for (second, reason) in [
        ("things.wasm".to_owned(), no_digest),
        (things.replace('a', "g"), no_digest),
        (digest[1..].to_owned() + "  things.wasm", no_digest),
        (format!("\\{things}"), no_digest),
        (format!(" {things}"), no_digest),
        (format!("SHA256 (things.wasm) = {digest}"), no_digest),
        ("é".repeat(32) + "  things.wasm", no_digest),
        (digest.clone(), no_name),
        (format!("{digest}  "), no_name),
        (format!("{digest} things.wasm"), no_name),
        (format!("{digest}\tthings.wasm"), no_name),
        (format!("{digest}   things.wasm"), no_name),
        (format!("{digest}  things.wasm "), no_name),
        (format!("{digest}0  things.wasm"), no_name),
        (format!("{digest}  ../things.wasm"), "names a file in another folder"),
        (format!("{digest}  /g/things.wasm"), "names a file in another folder"),
        (line("other.wasm"), "names other.wasm a second time"),
    ] {
        let error = judge(&format!("{}{second}\n{things}", line("other.wasm"))).unwrap_err();
        assert!(error.starts_with("line 2 of /g/guests.lock "), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    let error = Lock::parse(Path::new("/g/guests.lock"), b"\n\n\xff\n").unwrap_err();
    assert_eq!(error.to_string(), "line 3 of /g/guests.lock is not text");
}

#[test]
fn a_file_that_is_not_the_locked_one_is_refused_with_both_digests() {
    let lock = format!("{}  things.wasm", "0123456789abcdef".repeat(4));
    assert_eq!(
        judge(&lock).unwrap_err(),
        "things.wasm is not the file that /g/guests.lock names: its SHA-256 digest is 626d0ce33ca5…, and not 0123456789ab…"
    );
    assert_eq!(
        judge(&line("other.wasm")).unwrap_err(),
        "/g/guests.lock does not list things.wasm, whose SHA-256 digest is 626d0ce33ca5…"
    );
    assert!(judge("").is_err(), "an empty lock lists nothing");
}

fn key_pair() -> (KeyPair, SignatureKey) {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let key = SignatureKey::parse(&pair.pk.to_base64()).unwrap();
    (pair, key)
}

fn sign(pair: &KeyPair, bytes: &[u8]) -> String {
    minisign::sign(Some(&pair.pk), &pair.sk, bytes, None, None).unwrap().into_string()
}

#[test]
fn a_signature_counts_if_it_is_for_these_bytes_and_by_one_of_the_keys() {
    let ((ann, anns), (_, bobs)) = (key_pair(), key_pair());
    let signature = sign(&ann, COMPONENT);
    let judge = |keys: &[SignatureKey]| verify(COMPONENT, signature.as_bytes(), keys);
    assert_eq!(judge(std::slice::from_ref(&anns)), Ok(()));
    assert_eq!(judge(&[bobs.clone(), anns.clone()]), Ok(()));
    assert_eq!(judge(&[bobs]), Err(SignatureError::UnknownKey));
    assert_eq!(judge(&[]), Err(SignatureError::UnknownKey));
    let keys = [anns];
    let changed = verify(b"another component", signature.as_bytes(), &keys);
    assert_eq!(changed, Err(SignatureError::Invalid));
    let comment = signature.replace("timestamp:", "timestamp:1");
    assert_eq!(verify(COMPONENT, comment.as_bytes(), &keys), Err(SignatureError::Invalid));
    for text in ["", "signed", signature.lines().next().unwrap(), &signature[..150]] {
        let judged = verify(COMPONENT, text.as_bytes(), &keys);
        assert_eq!(judged, Err(SignatureError::Malformed), "{text}");
    }
    assert_eq!(verify(COMPONENT, b"\xff", &keys), Err(SignatureError::Malformed));
}

#[test]
fn a_signature_of_the_old_form_does_not_count() {
    // By the key of minisign's documentation, for the bytes "test".
    let key = SignatureKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3");
    let signature = "untrusted comment: \n\
        RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
        trusted comment: timestamp:1555779966\tfile:test\n\
        QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n";
    let judged = verify(b"test", signature.as_bytes(), &[key.unwrap()]);
    assert_eq!(judged, Err(SignatureError::Legacy));
}

/// A folder with [`COMPONENT`] as `things.wasm`.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.wasm");
    fs::write(&path, COMPONENT).unwrap();
    (folder, path)
}

fn check(trust: &Trust, path: &Path) -> Result<(), TrustError> {
    trust.check(path, COMPONENT, &Digest::of(COMPONENT))
}

#[test]
fn a_lock_that_is_there_counts_and_one_that_is_not_can_be_required() {
    let (folder, path) = folder();
    let lock = folder.path().join("guests.lock");
    let required = Trust { require_lock: true, ..Trust::default() };
    assert!(check(&Trust::default(), &path).is_ok());
    let error = check(&required, &path).unwrap_err();
    let sentence = format!("there is no guests.lock in {}, and", folder.path().display());
    assert!(error.to_string().starts_with(&sentence), "{error}");
    fs::write(&lock, line("other.wasm")).unwrap();
    for trust in [Trust::default(), required] {
        fs::write(&lock, line("other.wasm")).unwrap();
        let error = check(&trust, &path).unwrap_err();
        assert!(matches!(error, TrustError::NotLocked { .. }), "{error}");
        assert!(error.who_mends().contains("sha256sum *.wasm > guests.lock"));
        fs::write(&lock, line("things.wasm")).unwrap();
        assert!(check(&trust, &path).is_ok());
    }
}

#[test]
fn what_cannot_be_read_as_a_lock_is_not_taken_for_none() {
    let (folder, path) = folder();
    let lock = folder.path().join("guests.lock");
    let error = || check(&Trust::default(), &path).unwrap_err();
    fs::create_dir(&lock).unwrap();
    assert!(error().to_string().contains("guests.lock cannot be read (it is not a regular file)"));
    assert!(error().is_of_host());
    fs::remove_dir(&lock).unwrap();
    symlink("nothing", &lock).unwrap();
    assert!(matches!(error(), TrustError::Read { .. }), "a link to nothing");
    fs::remove_file(&lock).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &lock, rustix::fs::Mode::RUSR).unwrap();
    assert!(error().to_string().contains("it is not a regular file"), "nobody waits for a pipe");
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "#".repeat(usize::try_from(LOCK_BYTES_MAX).unwrap() + 1)).unwrap();
    assert!(error().to_string().ends_with("guests.lock is longer than 1048576 bytes"));
    assert!(!error().is_of_host());
}

#[test]
fn a_signature_that_is_there_has_to_be_right_and_can_be_required() {
    let (folder, path) = folder();
    let beside = folder.path().join("things.wasm.minisig");
    let (pair, key) = key_pair();
    let demands = |keys: &[SignatureKey], require_signature| Trust {
        keys: keys.to_vec(),
        require_signature,
        ..Trust::default()
    };
    let keys = [key];
    assert!(check(&demands(&keys, false), &path).is_ok());
    let error = check(&demands(&keys, true), &path).unwrap_err();
    assert!(error.to_string().contains("things.wasm.minisig, and 'require_signature' is on"));
    fs::write(&beside, sign(&pair, b"another component")).unwrap();
    for require_signature in [false, true] {
        let error = check(&demands(&keys, require_signature), &path).unwrap_err().to_string();
        assert!(error.contains("things.wasm.minisig is not for this file"), "{error}");
    }
    assert!(check(&Trust::default(), &path).is_ok(), "without a key there is nothing to judge by");
    fs::write(&beside, sign(&pair, COMPONENT)).unwrap();
    assert!(check(&demands(&keys, true), &path).is_ok());
    // The one does not stand in for the other.
    fs::write(folder.path().join("guests.lock"), line("other.wasm")).unwrap();
    let error = check(&demands(&keys, true), &path).unwrap_err();
    assert!(matches!(error, TrustError::NotLocked { .. }), "{error}");
}

#[test]
fn the_files_that_decide_are_the_lock_and_with_keys_the_signature() {
    let files = |trust: Trust| trust.files(Path::new("/g/things.wasm")).collect::<Vec<_>>();
    let lock = PathBuf::from("/g/guests.lock");
    assert_eq!(files(Trust::default()), std::slice::from_ref(&lock));
    let keys = vec![key_pair().1];
    let signature = PathBuf::from("/g/things.wasm.minisig");
    assert_eq!(files(Trust { keys, ..Trust::default() }), [lock, signature]);
}
