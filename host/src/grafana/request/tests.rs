use super::*;
use crate::model::Source;

fn metadata(pairs: &[&str]) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    for pair in pairs {
        metadata.append("loggerparamsctxmetadata", pair.parse().unwrap());
    }
    metadata
}

fn error(source: Source) -> Error {
    match source {
        Source::Plugin => Error::Panicked,
        Source::Downstream => Error::StreamEnded,
    }
}

#[test]
fn what_grafana_wants_in_the_log_is_taken_pair_by_pair() {
    assert_eq!(contextual(&metadata(&[])), None);
    let given = metadata(&["rule_uid:::r1", "title:::a:::b = c", "from.alert:::true"]);
    let lines = contextual(&given).unwrap();
    assert_eq!(lines, "rule_uid=r1\ntitle=a:::b = c\nfrom.alert=true\n");
}

#[test]
fn names_that_could_mean_something_else_and_empty_values_are_left_out() {
    let long = format!("{}:::x", "n".repeat(LOG_CONTEXT_NAME_BYTES_MAX + 1));
    let hostile = ["@level:::7", ":::x", "a b:::x", "a=b:::x", "no pair", "empty:::", &long];
    assert_eq!(contextual(&metadata(&hostile)), None);
}

#[test]
fn there_are_only_so_many_and_none_is_long() {
    let pairs: Vec<_> =
        (0..100).map(|number| format!("n{number}:::{}\tx", "v".repeat(1_000))).collect();
    let pairs: Vec<_> = pairs.iter().map(String::as_str).collect();
    let lines = contextual(&metadata(&pairs)).unwrap();
    assert_eq!(lines.lines().count(), LOG_CONTEXT_PAIRS_MAX);
    let longest = lines.lines().map(str::len).max();
    assert_eq!(longest, Some("n15=".len() + LOG_CONTEXT_VALUE_BYTES_MAX));
}

#[test]
fn control_characters_are_spaces() {
    assert_eq!(contextual(&metadata(&["a:::b\tc"])).unwrap(), "a=b c\n");
}

#[test]
fn the_plugins_fault_counts_before_that_of_others() {
    let (plugin, downstream) = (Source::Plugin, Source::Downstream);
    for (sources, source) in [
        (vec![], None),
        (vec![downstream], Some(downstream)),
        (vec![downstream, plugin, downstream], Some(plugin)),
    ] {
        let errors: Vec<_> = sources.iter().copied().map(error).collect();
        let expected = source.map_or(Outcome::Ok, |source| Outcome::Failed { source, error: None });
        assert_eq!(Outcome::of_errors(errors.iter()), expected, "{sources:?}");
    }
}

#[test]
fn a_status_is_the_plugins_own_failure_with_its_words() {
    let status = Status::invalid_argument("no pluginContext");
    let error = Some("no pluginContext".to_owned());
    assert_eq!(Outcome::from(&status), Outcome::Failed { source: Source::Plugin, error });
}
