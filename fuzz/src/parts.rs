//! Bytes as several texts, so that seeds can be read: a line of three dashes stands between one and the next.

/// The texts, in order, without the line break that a file ends with. What is not UTF-8 is replaced.
pub(crate) fn parts(data: &[u8]) -> Vec<String> {
    let data = data.strip_suffix(b"\n").unwrap_or(data);
    String::from_utf8_lossy(data).split("\n---\n").map(str::to_owned).collect()
}

/// The lines of a text without their line breaks, but for empty ones.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
