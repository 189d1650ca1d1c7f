//! The `Link` header field (RFC 8288, section 3): `<target>; rel="next", <target>; rel=last`.

/// The target of the first link of this relation.
pub(super) fn target<'a>(field: &'a str, relation: &str) -> Option<&'a str> {
    let mut rest = field;
    loop {
        let (_before, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (parameters, next) = split_at(b',', after);
        if relations(parameters).any(|name| name.eq_ignore_ascii_case(relation)) {
            return Some(target.trim());
        }
        rest = next;
    }
}

/// What is before the first delimiter that is not quoted, and what is after it.
fn split_at(delimiter: u8, text: &str) -> (&str, &str) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_quoted,
            b'"' => is_quoted = !is_quoted,
            _ if byte == delimiter && !is_quoted => return (&text[..index], &text[index + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// The names in `rel`, the first where there are several (section 3.3).
fn relations(parameters: &str) -> impl Iterator<Item = &str> {
    let mut rest = parameters;
    let parameters = std::iter::from_fn(move || {
        let (parameter, next) = split_at(b';', rest);
        let is_end = rest.is_empty();
        rest = next;
        (!is_end).then_some(parameter)
    });
    let mut parameters = parameters.filter_map(|parameter| parameter.split_once('='));
    let rel = parameters.find(|(name, _value)| name.trim().eq_ignore_ascii_case("rel"));
    let value = rel.map_or("", |(_name, value)| value.trim().trim_matches('"'));
    value.split_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_of_a_relation_is_found_in_all_shapes_that_the_header_has() {
        for (field, expected) in [
            (
                "<https://h/x?page=2>; rel=\"next\", <https://h/x?page=9>; rel=\"last\"",
                "https://h/x?page=2",
            ),
            (
                "<https://h/x?page=9>; rel=\"last\", <https://h/x?page=2>; rel=\"next\"",
                "https://h/x?page=2",
            ),
            ("</x?a=1,2>;rel=next", "/x?a=1,2"),
            (
                "</1>; title=\"a, b; <c>; \\\" rel=next\"; rel=\"prev\",</2>; REL=\"Last NEXT\"",
                "/2",
            ),
            ("</2>; title=\"a; rel=prev\"; rel=\"next\"", "/2"),
            (" < /2 > ; anchor=x ; rel = next ", "/2"),
        ] {
            assert_eq!(target(field, "next"), Some(expected), "{field}");
        }
        for field in [
            "",
            "next",
            "</1",
            "</1>",
            "</1>; rel=prev",
            "</1>; rel=nextish",
            "</1>; rel=prev; rel=next",
            "</1>; title=\"x; rel=next; y\"; rel=prev",
        ] {
            assert_eq!(target(field, "next"), None, "{field}");
        }
    }
}
