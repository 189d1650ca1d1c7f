use std::path::PathBuf;

use super::*;
use crate::guest::Trust;

fn registry() -> Registry {
    let limits = Limits { guest_calls: 1, ..Limits::default() };
    let metrics = Metrics::new().unwrap();
    let budget = Budget::new(&limits);
    let (guests, _loader) = Guests::start(
        &limits,
        Vec::new(),
        None,
        PathBuf::new(),
        Trust::default(),
        Arc::clone(&budget),
        metrics.clone(),
    )
    .unwrap();
    let hosts = Some(vec!["a.example".to_owned()]);
    Registry::new(guests, limits, hosts, budget, metrics)
}

fn settings(uid: usize, updated_ms: i64) -> RawSettings {
    RawSettings { uid: uid.to_string(), updated_ms, ..RawSettings::default() }
}

#[test]
fn the_same_settings_are_the_same_datasource_until_something_changes() {
    let registry = registry();
    let first = registry.entry(settings(1, 0), None);
    assert!(Arc::ptr_eq(&first, &registry.entry(settings(1, 0), None)));
    let changed = registry.entry(settings(1, 1), None);
    assert!(!Arc::ptr_eq(&first, &changed));
    assert!(Arc::ptr_eq(&changed, &registry.entry(settings(1, 1), None)));
}

#[test]
fn one_that_is_outdated_is_replaced_once_for_all_that_saw_it() {
    let registry = registry();
    let outdated = registry.entry(settings(1, 0), None);
    let next = registry.entry(settings(1, 0), Some(&outdated));
    assert!(!Arc::ptr_eq(&outdated, &next));
    assert!(Arc::ptr_eq(&next, &registry.entry(settings(1, 0), Some(&outdated))));
}

#[test]
fn the_one_that_was_not_asked_for_longest_makes_room() {
    let registry = registry();
    let first = registry.entry(settings(0, 0), None);
    let second = registry.entry(settings(1, 0), None);
    for uid in 2..DATASOURCES_MAX {
        registry.entry(settings(uid, 0), None);
    }
    assert!(Arc::ptr_eq(&first, &registry.entry(settings(0, 0), None)));
    registry.entry(settings(DATASOURCES_MAX, 0), None);
    assert_eq!(registry.entries.lock().unwrap().len(), DATASOURCES_MAX);
    assert!(Arc::ptr_eq(&first, &registry.entry(settings(0, 0), None)));
    assert!(!Arc::ptr_eq(&second, &registry.entry(settings(1, 0), None)));
}

#[tokio::test]
async fn a_data_source_allows_no_host_that_grafanas_admin_does_not() {
    let registry = registry();
    let raw = |hosts: &str| RawSettings {
        json_data: format!("{{\"guest\":\"none\",\"allowedHosts\":{hosts}}}").into(),
        ..RawSettings::default()
    };
    let deadline = Instant::now() + std::time::Duration::from_secs(60);
    let refused = registry.build(&raw(r#"["A.example", "b.example"]"#), deadline).await;
    let sentence = refused.err().unwrap().user_message();
    assert!(sentence.contains("'b.example'") && sentence.contains("allowed_hosts"), "{sentence}");
    // The next obstacle is the guest, which is not there.
    let sentence = registry.build(&raw(r#"["A.example"]"#), deadline).await.err().unwrap();
    assert!(sentence.user_message().contains("'none'"), "{}", sentence.user_message());
}
