//! Who in the host may import whom. This is the table that ARCHITECTURE.md explains; what is not in it is an error.
//!
//! The rules are for what runs. Tests, which bring together what they test, may import what they like.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Complaint;

/// The host's modules, each with those that it may import.
const MODULES: [(&str, &[&str]); 20] = [
    (
        "main",
        &[
            "budget",
            "config",
            "go_plugin",
            "grafana",
            "datasource",
            "guest",
            "metrics",
            "traces",
            "limits",
            "model",
        ],
    ),
    ("lib", &[]),
    ("config", &["guest", "traces", "limits"]),
    ("go_plugin", &["limits"]),
    (
        "grafana",
        &[
            "query",
            "health",
            "resource",
            "stream",
            "admission",
            "conversion",
            "datasource",
            "metrics",
            "traces",
            "model",
            "limits",
        ],
    ),
    ("query", &["budget", "datasource", "guest", "egress", "frame", "model", "limits"]),
    // Its errors and its rounds are those of a query.
    ("health", &["query", "datasource", "guest", "egress", "frame", "model", "limits"]),
    ("resource", &["query", "datasource", "guest", "egress", "frame", "model", "limits"]),
    ("stream", &["query", "datasource", "guest", "egress", "frame", "model", "limits"]),
    ("admission", &["query", "datasource", "guest", "model", "limits"]),
    ("conversion", &["query", "datasource", "guest", "model", "limits"]),
    ("datasource", &["budget", "guest", "egress", "metrics", "model", "limits"]),
    ("guest", &["budget", "metrics", "model", "limits"]),
    ("egress", &["budget", "metrics", "traces", "model", "limits"]),
    ("frame", &["model", "limits"]),
    ("budget", &["limits"]),
    ("metrics", &["limits"]),
    ("traces", &["limits"]),
    ("model", &[]),
    ("limits", &[]),
];

/// Foreign crates, each with the modules that may know it. Others are everyone's.
const OWNERS: [(&str, &[&str]); 35] = [
    ("graft_proto", &["grafana", "go_plugin"]),
    ("prost", &["grafana", "go_plugin"]),
    ("tonic", &["grafana", "go_plugin", "main"]),
    ("tonic_health", &["go_plugin"]),
    ("tonic_reflection", &["go_plugin"]),
    ("wasmtime", &["guest"]),
    ("wasmtime_wasi", &["guest"]),
    ("wasmparser", &["guest"]),
    ("minisign_verify", &["guest"]),
    ("reqwest", &["egress"]),
    ("hyper", &["egress"]),
    ("rustls", &["egress", "go_plugin"]),
    ("tokio_rustls", &["egress", "go_plugin"]),
    ("oauth2", &["egress"]),
    ("jsonwebtoken", &["egress"]),
    ("aws_credential_types", &["egress"]),
    ("aws_sigv4", &["egress"]),
    ("digest_auth", &["egress"]),
    ("fast_socks5", &["egress"]),
    ("http_cache_semantics", &["egress"]),
    ("leaky_bucket", &["egress"]),
    ("quick_cache", &["egress"]),
    ("quick_xml", &["egress"]),
    ("x509_parser", &["egress"]),
    ("webpki", &["go_plugin"]),
    ("rcgen", &["go_plugin"]),
    ("p521", &["go_plugin"]),
    ("arrow", &["frame"]),
    ("jsonschema", &["admission"]),
    ("prometheus", &["metrics"]),
    ("opentelemetry", &["traces"]),
    ("opentelemetry_otlp", &["traces"]),
    ("opentelemetry_sdk", &["traces"]),
    ("tracing_opentelemetry", &["traces"]),
    ("tracing_subscriber", &["go_plugin", "traces"]),
];

/// Checks a file of the host, whose path begins below `host/src`.
pub(super) fn check(file: &Path, content: &str) -> anyhow::Result<Vec<Complaint>> {
    let shown = format!("host/src/{}", file.display());
    if file.file_name() == Some("tests.rs".as_ref()) {
        return Ok(Vec::new());
    }
    let tokens: TokenStream = content
        .parse()
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("{shown} is no Rust"))?;
    let path = file.with_extension("");
    let module = path.iter().next().unwrap_or_default().to_string_lossy();
    let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
        let what = format!("module '{module}' is not in the table of xtask/src/tidy/imports.rs");
        return Ok(vec![Complaint::new(&shown, 0, what)]);
    };
    let mut scanner = Scanner { own_crate: "crate", found: Vec::new() };
    if module == "main" {
        scanner.own_crate = "graft_host";
    }
    scanner.scan(tokens, path.iter().count());
    let complaint = |(import, line): (Import, usize)| {
        let what = match import {
            Import::Module(name) if name == module || allowed.contains(&name.as_str()) => {
                return None;
            }
            Import::Module(name) => {
                format!("'{module}' may not import '{name}': it may import {}", list(allowed))
            }
            Import::Crate(name, owners) if !owners.contains(&&*module) => {
                format!("'{module}' may not know crate '{name}', which belongs to {}", list(owners))
            }
            Import::Crate(..) => return None,
        };
        Some(Complaint::new(&shown, line, what))
    };
    Ok(scanner.found.into_iter().filter_map(complaint).collect())
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// What a path begins with.
#[derive(Debug, PartialEq, Eq)]
enum Import {
    /// A module of the host, by its name; `*` is all of them.
    Module(String),
    /// A foreign crate and its owners.
    Crate(&'static str, &'static [&'static str]),
}

/// Reads tokens instead of syntax, so that paths in macros count as well.
struct Scanner {
    /// How the host's crate is called here.
    own_crate: &'static str,
    /// Imports with their lines.
    found: Vec<(Import, usize)>,
}

impl Scanner {
    /// `depth` is how many modules the tokens are below the crate's root.
    fn scan(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if is_test_attribute(&tokens[at..]) {
                at = after_item(&tokens, at + 2);
                continue;
            }
            let is_inside_path = at > 0 && is_colon(&tokens[at - 1]);
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let is_module = at > 1 && is_ident(&tokens[at - 2], "mod");
                    self.scan(group.stream(), depth + usize::from(is_module));
                }
                TokenTree::Ident(_) if !is_inside_path => self.path(&tokens[at..], depth),
                _ => {}
            }
            at += 1;
        }
    }

    /// Takes the path that these tokens begin with.
    fn path(&mut self, tokens: &[TokenTree], depth: usize) {
        let [TokenTree::Ident(first), rest @ ..] = tokens else { return };
        let line = first.span().start().line;
        let name = first.to_string();
        let Some(mut rest) = after_colons(rest) else { return };
        if let Some((owned, owners)) = OWNERS.iter().find(|(owned, _)| *owned == name) {
            self.found.push((Import::Crate(owned, owners), line));
        }
        if name == "super" {
            let mut steps = 1;
            while let [TokenTree::Ident(next), more @ ..] = rest
                && next == "super"
                && let Some(more) = after_colons(more)
            {
                (steps, rest) = (steps + 1, more);
            }
            // So many steps up from a module are the crate's root.
            if steps < depth {
                return;
            }
        } else if name != self.own_crate {
            return;
        }
        for name in names(rest) {
            self.found.push((Import::Module(name), line));
        }
    }
}

/// What comes after `crate::`: one name, several in braces, or all.
fn names(tokens: &[TokenTree]) -> Vec<String> {
    match tokens {
        [TokenTree::Ident(name), ..] => vec![name.to_string()],
        [TokenTree::Punct(star), ..] if star.as_char() == '*' => vec!["*".to_owned()],
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            tokens.split(is_comma).flat_map(names).collect()
        }
        _ => Vec::new(),
    }
}

fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [first, second, rest @ ..] if is_colon(first) && is_colon(second) => Some(rest),
        _ => None,
    }
}

/// `#[cfg(test)]`.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] => {
            hash.as_char() == '#' && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
        }
        _ => false,
    }
}

/// The place after an item, which ends with a semicolon or with braces.
fn after_item(tokens: &[TokenTree], from: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    let end = tokens.iter().skip(from).position(ends);
    end.map_or(tokens.len(), |end| from + end + 1)
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(file: &str, content: &str) -> Vec<(usize, String)> {
        let complaints = check(Path::new(file), content).unwrap().into_iter();
        complaints.map(|complaint| (complaint.line, complaint.what)).collect()
    }

    #[track_caller]
    fn one(file: &str, content: &str, part: &str) {
        let found = complaints(file, content);
        assert!(found.len() == 1 && found[0].1.contains(part), "{found:?}");
    }

    #[test]
    fn what_the_table_lists_may_be_imported() {
        let content =
            "use crate::model::Query;\nuse crate::{limits::Limits, egress};\nuse reqwest::Client;";
        assert_eq!(complaints("egress/client.rs", content), []);
        assert_eq!(complaints("main.rs", "use graft_host::{config, go_plugin};"), []);
    }

    #[test]
    fn what_the_table_does_not_list_is_an_error_with_its_line() {
        let found = complaints("frame.rs", "//! x\nuse crate::guest::Guest;");
        let expected = "'frame' may not import 'guest': it may import model, limits".to_owned();
        assert_eq!(found, [(2, expected)]);
        one("model.rs", "use crate::limits::Limits;", "it may import nothing");
        one(
            "main.rs",
            "fn main() { graft_host::frame::encode() }",
            "'main' may not import 'frame'",
        );
    }

    #[test]
    fn every_spelling_of_an_import_counts() {
        for content in [
            "use crate::{model, egress::{self, Client}};",
            "fn a() { crate::egress::send() }",
            "fn a() { info!(x = crate::egress::NAME) }",
            "use super::egress;",
            "mod inner { use super::super::egress::Client; }",
        ] {
            one("guest.rs", content, "may not import 'egress'");
        }
        one("guest/call.rs", "use super::super::{model, egress};", "may not import 'egress'");
        one("guest.rs", "use crate::*;", "may not import '*'");
        assert_eq!(complaints("guest/call.rs", "use super::{engine, egress};"), []);
        assert_eq!(complaints("guest/call.rs", "pub(in super::super) fn a() {}"), []);
    }

    #[test]
    fn a_foreign_crate_has_its_owners() {
        one("query.rs", "use arrow::array::ArrayRef;", "crate 'arrow', which belongs to frame");
        one("query.rs", "#[tonic::async_trait] trait A {}", "crate 'tonic'");
        assert_eq!(complaints("query.rs", "use crate::frame::arrow;\nlet arrow = 1;"), []);
    }

    #[test]
    fn tests_and_words_do_not_count() {
        let content =
            "// crate::egress::x\n/// crate::egress::x\nconst A: &str = \"crate::egress::x\";
            #[cfg(test)]\nmod tests { use crate::egress; }\n#[cfg(test)]\nuse crate::egress;";
        assert_eq!(complaints("guest.rs", content), []);
        assert_eq!(complaints("guest/tests.rs", "use crate::egress;"), []);
        one("guest.rs", "#[cfg(test)]\nmod tests;\nuse crate::egress;", "'egress'");
    }

    #[test]
    fn a_module_that_is_not_in_the_table_is_an_error() {
        one("util/strings.rs", "", "module 'util' is not in the table");
    }
}
