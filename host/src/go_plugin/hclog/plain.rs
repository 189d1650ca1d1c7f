//! One line of the log for a developer's terminal.

use std::fmt::Write as _;

use tracing::Level;

/// Makes a line with its line break, such as `INFO Drawn colour=red`.
pub(super) fn plain<'a>(
    level: Level,
    message: &str,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<u8> {
    let mut line = format!("{level:<5} {}", harmless(message));
    for (name, value) in fields {
        // Writing to a String cannot fail.
        let _written = write!(line, " {name}={}", harmless(value));
    }
    line.push('\n');
    line.into_bytes()
}

/// What came from outside does not steer the terminal.
fn harmless(text: &str) -> String {
    let escaped = |character: char| {
        let is_control = character.is_control();
        let other = (!is_control).then_some(character);
        is_control.then(|| character.escape_default()).into_iter().flatten().chain(other)
    };
    text.chars().flat_map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_text() {
        let line = plain(Level::WARN, "Two\nlines\u{1b}[2J ü", [("name", "a b")].into_iter());
        assert_eq!(String::from_utf8(line).unwrap(), "WARN  Two\\nlines\\u{1b}[2J ü name=a b\n");
    }
}
