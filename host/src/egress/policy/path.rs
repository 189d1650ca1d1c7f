//! What a guest may write as a request's target, before anything is made of it.
//!
//! URL parsers mend what they can: they drop tabs and line breaks, read `\` as `/`, and resolve `..` before anyone has seen
//! it. Servers and proxies mend differently. So a target is judged as text first, and parsed only when there is nothing
//! to mend.

use url::Url;

use super::Refusal;

/// How often a path is decoded in search of `..`: a proxy and two servers behind it.
const DECODINGS_MAX: usize = 3;

/// What a placeholder of a secret begins with. In a path it stands for a part of a segment, and is no more than that when it is judged.
const PLACEHOLDER: &str = "{{secret:";

/// A target that has been judged.
#[derive(Debug)]
pub(super) enum Target<'a> {
    /// Relative to the datasource's URL. The path may start with a slash.
    Relative {
        /// The path.
        path: &'a str,
        /// The query that the guest wrote itself.
        query: Option<&'a str>,
    },
    /// An http or https URL.
    Absolute(Url),
}

/// Judges a target.
pub(super) fn check(target: &str) -> Result<Target<'_>, Refusal> {
    let refuse = |reason| Err(Refusal::Target { reason });
    if target.chars().any(char::is_control) {
        return refuse("holds a control character");
    }
    if target.contains('#') {
        return refuse("holds a '#', which must be written as %23");
    }
    let (before_query, query) = match target.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (target, None),
    };
    if query.is_some_and(|query| query.contains(PLACEHOLDER)) {
        return refuse("holds a secret placeholder in its query, which belongs in a parameter");
    }
    if before_query.contains('\\') {
        return refuse("holds a '\\', which must be written as %5C");
    }
    if before_query.starts_with("//") {
        return refuse("starts with '//', which leads to another host");
    }
    match scheme(before_query) {
        None => {
            check_path(before_query)?;
            Ok(Target::Relative { path: before_query, query })
        }
        Some((scheme, rest)) => {
            let http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
            let Some(rest) = rest.strip_prefix("//").filter(|_| http) else {
                return refuse("is neither a path nor an http or https URL");
            };
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if authority.contains(PLACEHOLDER) {
                return refuse("holds a secret placeholder in the place of its host");
            }
            if authority.contains('@') {
                return refuse("holds a user name or password before its host");
            }
            check_path(path)?;
            match Url::parse(target) {
                Ok(url) if !authority.is_empty() => Ok(Target::Absolute(url)),
                _ => refuse("is not a valid URL"),
            }
        }
    }
}

/// A scheme and what follows its colon. A colon after the first slash is part of a path (RFC 3986, section 4.2).
fn scheme(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once(':')?;
    // That of a placeholder is none.
    (!scheme.contains(['/', '{'])).then_some((scheme, rest))
}

/// Refuses what climbs out of a path, for any server that might decode it.
pub(in crate::egress) fn check_path(path: &str) -> Result<(), Refusal> {
    let refuse = |reason| Err(Refusal::Target { reason });
    let mut decoded = path.as_bytes().to_vec();
    for _decoding in 0..=DECODINGS_MAX {
        if decoded.iter().any(u8::is_ascii_control) {
            return refuse("holds an encoded control character");
        }
        // Overlong encodings of '.' and '/' start with these bytes, which are never part of UTF-8.
        if decoded.iter().any(|byte| matches!(byte, 0xC0 | 0xC1)) {
            return refuse("holds bytes that are not UTF-8");
        }
        if decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots) {
            return refuse("holds a '.' or '..' segment");
        }
        let next: Vec<u8> = percent_encoding::percent_decode(&decoded).collect();
        if next == decoded {
            return Ok(());
        }
        decoded = next;
    }
    refuse("is percent-encoded too often")
}

/// Whether a segment is `.` or `..`. Some servers strip `;parameters` before they look.
fn is_dots(segment: &[u8]) -> bool {
    let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
    matches!(name, b"." | b"..")
}
