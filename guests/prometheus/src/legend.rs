//! What a series is called.

use crate::response::Labels;

/// The label that holds a metric's name.
pub(crate) const METRIC_NAME: &str = "__name__";

/// The legend that leaves the choice to Grafana, which sees all series and shows what differs.
const AUTOMATIC: &str = "__auto";

/// The title of a series; empty if Grafana is to find one.
///
/// `format` is the query's legend format: empty for the series' name as Prometheus writes it,
/// `__auto`, or a template with `{{label}}`. Where that leaves nothing to tell, the expression is
/// the title.
pub(crate) fn title(format: &str, labels: &Labels, expression: &str) -> String {
    let title = match format {
        AUTOMATIC if !labels.is_empty() => String::new(),
        AUTOMATIC | "" => series_name(labels),
        template => fill(template, labels),
    };
    if title == "{}" { expression.to_owned() } else { title }
}

/// A series' name as Prometheus writes it: `up{instance="a", job="b"}`.
fn series_name(labels: &Labels) -> String {
    let metric = labels.get(METRIC_NAME);
    let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    let others: Vec<_> = others.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    match metric {
        Some(metric) if others.is_empty() => metric.to_owned(),
        metric => format!("{}{{{}}}", metric.unwrap_or_default(), others.join(", ")),
    }
}

/// A text in quotes, with what would end it or cannot be seen escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_ascii_control() => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A template with each `{{label}}` replaced by the label's value, or by nothing.
fn fill(template: &str, labels: &Labels) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from_name)) = rest.split_once("{{") {
        // A name has one letter at least, so braces that close at once belong to it.
        let letter = from_name.chars().next().map_or(0, char::len_utf8);
        let Some(length) = from_name[letter..].find("}}").filter(|_length| letter > 0) else {
            break;
        };
        let (name, after) = from_name.split_at(letter + length);
        text.push_str(before);
        text.push_str(labels.get(name.trim()).unwrap_or_default());
        rest = &after[2..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Labels::new(pairs.collect())
    }

    #[test]
    fn without_a_format_a_series_has_prometheus_own_name() {
        let cases = [
            (labels(&[("__name__", "up")]), "up"),
            (labels(&[("job", "b"), ("__name__", "up"), ("a", "1")]), r#"up{a="1", job="b"}"#),
            (labels(&[("job", "b")]), r#"{job="b"}"#),
            (labels(&[("a", "say \"hi\"\\\n\u{1}é")]), r#"{a="say \"hi\"\\\n\x01é"}"#),
            (labels(&[]), "1 + 1"),
        ];
        for (labels, expected) in cases {
            assert_eq!(title("", &labels, "1 + 1"), expected);
        }
    }

    #[test]
    fn the_automatic_legend_leaves_the_title_to_grafana_where_there_are_labels() {
        assert_eq!(title("__auto", &labels(&[("job", "b")]), "up"), "");
        assert_eq!(title("__auto", &labels(&[]), "sum(up)"), "sum(up)");
    }

    #[test]
    fn a_template_is_filled_with_labels() {
        let labels = labels(&[("__name__", "up"), ("job", "b"), ("instance", "c:80")]);
        let cases = [
            ("{{job}}", "b"),
            ("{{ job }} on {{instance}}", "b on c:80"),
            ("{{__name__}}", "up"),
            ("{{missing}}!", "!"),
            ("{{missing}}", ""),
            ("plain", "plain"),
            ("{{job", "{{job"),
            ("{{", "{{"),
            ("{{job}} {{", "b {{"),
            ("{{ü}}", ""),
            ("{job}", "{job}"),
            ("{}", "up{}"),
        ];
        for (template, expected) in cases {
            assert_eq!(title(template, &labels, "up{}"), expected, "{template}");
        }
    }
}
