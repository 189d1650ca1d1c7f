//! Rules for every file that is text.

use super::Complaint;

/// Written in halves, so that this file keeps its own rule.
const LEFTOVERS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Endings and folders of what tools make.
const MADE_BY_TOOLS: [&str; 5] = [".wasm", ".cwasm", ".pyc", "node_modules/", "target/"];

/// Files that are compared byte for byte with what the host writes.
const AS_WRITTEN: &str = "host/tests/golden/";

/// Nothing is left for later, and no line ends in white space.
pub(super) fn check(file: &str, content: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if file.starts_with(AS_WRITTEN) {
        return complaints;
    }
    for (line, text) in (1..).zip(content.lines()) {
        if text.ends_with([' ', '\t']) {
            complaints.push(Complaint::new(file, line, "ends in white space"));
        }
        if let Some(word) = LEFTOVERS.iter().find(|word| text.contains(**word)) {
            complaints.push(Complaint::new(
                file,
                line,
                format!("leaves something for later: {word}"),
            ));
        }
    }
    if !content.is_empty() && !content.ends_with('\n') {
        complaints.push(Complaint::new(file, 0, "does not end with a line break"));
    }
    complaints
}

/// The contract's name and version, as its package statement has them.
pub(super) fn contract_version(wit: &str) -> Option<String> {
    let statement = wit.lines().find_map(|line| line.strip_prefix("package "))?;
    statement.strip_suffix(';').filter(|name| name.contains('@')).map(str::to_owned)
}

/// Which of git's files, one on each line, a tool made.
pub(super) fn made_by_tools(names: &str) -> Vec<Complaint> {
    let is_made = |name: &&str| {
        MADE_BY_TOOLS.iter().any(|mark| match mark.strip_suffix('/') {
            Some(folder) => name.split('/').any(|part| part == folder),
            None => name.ends_with(mark),
        })
    };
    let complaint = |name| Complaint::new(name, 0, "is made by a tool and must not be committed");
    names.lines().filter(is_made).map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(content: &str) -> Vec<(usize, String)> {
        let complaints = check("a.md", content).into_iter();
        complaints.map(|complaint| (complaint.line, complaint.what)).collect()
    }

    #[test]
    fn a_clean_file_is_fine() {
        assert_eq!(complaints("a\n\nb\n"), []);
        assert_eq!(complaints(""), []);
    }

    #[test]
    fn white_space_at_the_end_and_leftovers_are_found_with_their_lines() {
        let leftover = format!("// {}: more\n", LEFTOVERS[0]);
        let complaints = complaints(&format!("a\nb \n{leftover}c\t\n"));
        assert_eq!(complaints.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(complaints[1].1, format!("leaves something for later: {}", LEFTOVERS[0]));
    }

    #[test]
    fn a_file_without_a_last_line_break_is_found() {
        assert_eq!(complaints("a"), [(0, "does not end with a line break".to_owned())]);
    }

    #[test]
    fn the_contracts_version_is_read() {
        let version = contract_version("/// Prose.\npackage graft:datasource@0.1.0;\nworld x {}");
        assert_eq!(version.as_deref(), Some("graft:datasource@0.1.0"));
        assert_eq!(contract_version("package graft:datasource;"), None);
    }

    #[test]
    fn what_tools_make_is_found_among_what_is_committed() {
        let names = "src/a.rs\nguests/x.wasm\nguests/node_modules/y/index.js\nsrc/target.rs";
        let found: Vec<_> =
            made_by_tools(names).into_iter().map(|complaint| complaint.file).collect();
        assert_eq!(found, ["guests/x.wasm", "guests/node_modules/y/index.js"]);
    }
}
