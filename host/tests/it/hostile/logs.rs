//! The log stays readable, whatever a guest says in it and however often.

use graft_launch::LogLine;

use super::Hostile;

/// Has a fixture answer, and gives the lines that it logged.
async fn logged(fixture: &str) -> Vec<LogLine> {
    let hostile = Hostile::start(fixture).await;
    hostile.answers().await;
    let guest = hostile.guest.clone();
    let exit = hostile.plugin.shutdown().await.unwrap();
    assert!(exit.log.iter().all(|line| line.entry.is_ok()), "a line is no entry");
    let own = |line: &LogLine| {
        let entry = line.entry.as_ref().unwrap();
        entry.module == "guest" && entry.fields["guest"] == guest.as_str()
    };
    exit.log.into_iter().filter(own).collect()
}

#[tokio::test]
pub(super) async fn log_floods() {
    let lines = logged("log_floods").await;
    let said = |part: &str| lines.iter().filter(|line| line.says(part)).count();
    assert_eq!((said("flood"), said("limit guest_log_lines"), lines.len()), (100, 1, 101));
}

#[tokio::test]
pub(super) async fn log_line_looks_like_others() {
    let lines = logged("log_line_looks_like_others").await;
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let entry = line.entry.as_ref().unwrap();
    assert_eq!(entry.level, "info");
    assert!(entry.message.starts_with(r#"pretends {"@level":"error"} [31m"#), "{entry:?}");
    assert!(!line.text.contains("\\u001b") && !line.text.contains("\\n"), "{}", line.text);
}

#[tokio::test]
pub(super) async fn log_line_is_huge() {
    let lines = logged("log_line_is_huge").await;
    let [line] = &lines[..] else { panic!("{} lines", lines.len()) };
    assert_eq!(line.entry.as_ref().unwrap().message, "x".repeat(4096));
}

#[tokio::test]
pub(super) async fn log_line_lies_outside_memory() {
    let hostile = Hostile::start("log_line_lies_outside_memory").await;
    hostile.breaks_the_contract("string pointer/length out of bounds of memory").await;
}

#[tokio::test]
pub(super) async fn log_line_is_not_text() {
    let hostile = Hostile::start("log_line_is_not_text").await;
    hostile.breaks_the_contract("invalid utf-8 sequence of 1 bytes from index 0").await;
}

#[tokio::test]
pub(super) async fn log_level_is_of_no_case() {
    let hostile = Hostile::start("log_level_is_of_no_case").await;
    hostile.breaks_the_contract("unexpected discriminant: 99").await;
}
