use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::guest::cache::Digest;
use crate::guest::cache::tests::cache;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a file that was last used so many days ago.
fn aged(path: &Path, days: u32) {
    let file = File::options().create(true).append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - DAY * days).unwrap();
}

fn names(cache: &Cache) -> Vec<String> {
    let entries = fs::read_dir(&cache.folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_is_used_stays_and_what_is_not_goes() {
    let (_folder, cache) = cache();
    let [used, unused] = [b"used", b"left"].map(|bytes| Digest::of(bytes));
    for kind in Kind::ALL {
        for digest in [&used, &unused] {
            cache.put(kind, digest, b"{}").unwrap();
            aged(&cache.path(kind, digest), 31);
        }
        // Whoever takes it uses it.
        assert!(cache.get(kind, &used).is_some());
    }
    assert_eq!(cache.prune(), 2);
    for kind in Kind::ALL {
        assert!(
            cache.path(kind, &used).exists() && !cache.path(kind, &unused).exists(),
            "{kind:?}"
        );
    }
}

#[test]
fn what_another_version_made_goes_sooner_and_what_is_not_finished_next_day() {
    let (_folder, cache) = cache();
    let digest = Digest::of(b"component");
    cache.put(Kind::Code, &digest, b"native code").unwrap();
    let own = cache.path(Kind::Code, &digest);
    let foreign = own.to_str().unwrap().replace(&format!("{:016x}", cache.engine), &"f".repeat(16));
    aged(&own, 8);
    fs::copy(&own, &foreign).unwrap();
    let unfinished = cache.folder.join("new-aB3xYz");
    for (days, expected) in [(0, 0), (2, 1), (6, 0), (8, 1), (29, 0)] {
        aged(foreign.as_ref(), days);
        if unfinished.exists() {
            aged(&unfinished, days);
        } else if days == 0 {
            aged(&unfinished, 0);
        }
        assert_eq!(cache.prune(), expected, "after {days} days");
        if days == 8 {
            assert!(own.exists() && !Path::new(&foreign).exists());
            break;
        }
    }
}

#[test]
fn nothing_else_is_ever_removed() {
    let (folder, cache) = cache();
    let digits = "0".repeat(DIGEST_DIGITS);
    let kept = [
        "key".to_owned(),
        "notes.txt".to_owned(),
        "new-".to_owned(),
        "new-house.pdf".to_owned(),
        "new-aB3xY".to_owned(),
        "new-aB3x/z".replace('/', "."),
        format!("{digits}.cwasm"),
        format!("{digits}-{}.cwasm", "0".repeat(15)),
        format!("{digits}-{}.cwasm.old", "0".repeat(16)),
        format!("{}-{}.cwasm", "A".repeat(64), "0".repeat(16)),
    ];
    for name in &kept {
        aged(&cache.folder.join(name), 1_000);
    }
    let outside = folder.path().join("outside");
    aged(&outside, 1_000);
    symlink(&outside, cache.folder.join("new-aaaaaa")).unwrap();
    fs::create_dir(cache.folder.join("new-bbbbbb")).unwrap();
    let before = names(&cache);
    assert_eq!(cache.prune_at(SystemTime::now() + DAY * 1_000), 0);
    assert_eq!(names(&cache), before);
    assert!(outside.exists());
}

#[test]
fn what_comes_from_the_future_stays() {
    let (_folder, cache) = cache();
    let digest = Digest::of(b"component");
    cache.put(Kind::Code, &digest, b"native code").unwrap();
    assert_eq!(cache.prune_at(SystemTime::now() - DAY * 365), 0);
    assert!(cache.path(Kind::Code, &digest).exists());
}
