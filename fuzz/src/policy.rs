//! The URLs that guests ask for and that APIs redirect to.

use graft_host::datasource::RawSettings;
use graft_host::egress::fuzzing::Rules;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::parts::{lines, parts};

/// Resolves a target. The parts are: the data source's URL, hosts of the guest's description (a line each), hosts that the admin
/// allowed (a line each), the target, and the location that a response redirects to.
pub fn policy(data: &[u8]) {
    let parts = parts(data);
    let part = |index: usize| parts.get(index).map(String::as_str).unwrap_or_default();
    let (described, allowed) = (lines(part(1)), lines(part(2)));
    let raw = RawSettings {
        url: part(0).to_owned(),
        json_data: r#"{"guest":"g"}"#.into(),
        ..RawSettings::default()
    };
    let Ok(settings) = raw.resolve() else { return };
    let base = settings.http.base_url;
    let Some(rules) = Rules::new(base.clone(), described.clone(), &allowed) else { return };
    let is_own = |url: &Url| base.as_ref().is_some_and(|base| base.origin() == url.origin());
    let is_granted = |url: &Url| is_named(url, &described) && is_named(url, &allowed);

    let resolved = rules.resolve(part(3));
    if let Some(url) = &resolved {
        check_plain(url);
        match base.as_ref().filter(|_base| is_own(url)) {
            Some(base) => check_below(base, url),
            None => assert!(is_granted(url), "{url} is nobody's"),
        }
    }
    let from = resolved.or(base.clone());
    for status in [301, 302, 303, 307, 308] {
        let location = part(4).as_bytes();
        let redirected = from.as_ref().and_then(|from| rules.redirect(from, status, location));
        if let Some(url) = redirected {
            check_plain(&url);
            assert!(is_own(&url) || is_granted(&url), "{url} is nobody's");
            assert_eq!(url.fragment(), None);
        }
    }
}

/// What is true of every URL that is sent to.
fn check_plain(url: &Url) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(url.host().is_some(), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    assert!(!url.as_str().chars().any(char::is_control), "{url:?}");
}

/// That a URL on the data source's own host does not leave what its URL names, even for a server that decodes its path.
fn check_below(base: &Url, url: &Url) {
    let above = base.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(above);
    let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        panic!("{url} is not below {base}");
    };
    let decoded: Vec<u8> = percent_decode_str(rest).collect();
    assert!(!decoded.iter().any(u8::is_ascii_control), "{url}");
    let mut segments = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
    assert!(!segments.any(|segment| matches!(segment, b"." | b"..")), "{url}");
}

/// Whether an entry names the host and port of a URL; one without a port means https on its own.
fn is_named(url: &Url, entries: &[String]) -> bool {
    entries.iter().any(|entry| {
        let entry = entry.trim();
        let scheme = url.scheme();
        let Ok(named) = Url::parse(&format!("{scheme}://{entry}/")) else { return false };
        let has_port = entry.rsplit_once(':').is_some_and(|(_host, port)| !port.ends_with(']'));
        named.host() == url.host()
            && named.port_or_known_default() == url.port_or_known_default()
            && (has_port || (scheme == "https" && url.port().is_none()))
    })
}
