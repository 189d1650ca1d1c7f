//! Rules for Rust files: how long they and their functions may be, how they begin, and which attributes they do without.

use std::path::Path;

use anyhow::Context as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{AttrStyle, Attribute, Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use super::Complaint;

const FILE_LINES_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 70;

/// Protocol buffers' generated code.
const GENERATED: [&str; 2] = ["proto/src/plugin.rs", "proto/src/pluginv2.rs"];

/// Whether nobody wrote this file.
pub(super) fn is_generated(file: &str) -> bool {
    GENERATED.contains(&file)
}

/// Checks a file.
pub(super) fn check(file: &str, content: &str) -> anyhow::Result<Vec<Complaint>> {
    let syntax = syn::parse_file(content).with_context(|| format!("{file} is no Rust"))?;
    let name = Path::new(file).file_name().unwrap_or_default();
    let is_test = name == "tests.rs" || file.contains("/tests/");
    let mut reader = Reader { file, is_test, complaints: Vec::new() };
    let lines = content.lines().count();
    if lines > FILE_LINES_MAX {
        reader.complain(0, format!("has {lines} lines, and {FILE_LINES_MAX} are the most"));
    }
    if name == "mod.rs" {
        reader.complain(0, "belongs beside its folder, with the folder's name");
    }
    let is_prose = |attribute: &Attribute| {
        matches!(attribute.style, AttrStyle::Inner(_)) && attribute.path().is_ident("doc")
    };
    // What tests are for is said by what they test.
    if name != "tests.rs" && !syntax.attrs.iter().any(is_prose) {
        reader.complain(1, "does not open with `//!`, which says what the module is for");
    }
    reader.visit_file(&syntax);
    Ok(reader.complaints)
}

struct Reader<'a> {
    file: &'a str,
    is_test: bool,
    complaints: Vec<Complaint>,
}

impl Reader<'_> {
    fn complain(&mut self, line: usize, what: impl Into<String>) {
        self.complaints.push(Complaint::new(self.file, line, what));
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        let first = signature.fn_token.span().start().line;
        let lines = body.brace_token.span.close().end().line + 1 - first;
        // A table of cases is as long as there are cases.
        if lines > FUNCTION_LINES_MAX && !self.is_test {
            let name = &signature.ident;
            let what = format!("`{name}` has {lines} lines, and {FUNCTION_LINES_MAX} are the most");
            self.complain(first, what);
        }
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if attribute.path().is_ident("allow") {
            let line = attribute.span().start().line;
            self.complain(line, "write `#[expect(…, reason = \"…\")]`, which ends with its reason");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(file: &str, content: &str) -> Vec<String> {
        check(file, content).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_module_opens_with_what_it_is_for() {
        assert_eq!(complaints("a.rs", "//! For this.\nfn a() {}\n"), [""; 0]);
        let [missing] = &complaints("a.rs", "fn a() {}\n")[..] else { panic!("one complaint") };
        assert!(missing.starts_with("a.rs:1: does not open with `//!`"), "{missing}");
        assert_eq!(complaints("a/tests.rs", "fn a() {}\n"), [""; 0]);
    }

    #[test]
    fn lengths_have_limits() {
        let function = |lines: usize| format!("fn a() {{\n{}}}\n", "    b();\n".repeat(lines - 2));
        let file = |lines| format!("//! For this.\nimpl A {{\n    {}}}\n", function(lines));
        assert_eq!(complaints("a.rs", &file(70)), [""; 0]);
        assert_eq!(
            complaints("a.rs", &file(71)),
            ["a.rs:3: `a` has 71 lines, and 70 are the most"]
        );
        let long = format!("//! For this.\n{}", "// x\n".repeat(700));
        assert_eq!(complaints("a.rs", &long), ["a.rs: has 701 lines, and 700 are the most"]);
    }

    #[test]
    fn a_lint_is_not_allowed_but_expected() {
        let content =
            "//! For this.\n\n#[allow(dead_code)]\nfn a() {}\n#[expect(dead_code)]\nfn b() {}\n";
        let [bare] = &complaints("a.rs", content)[..] else { panic!("one complaint") };
        assert!(bare.starts_with("a.rs:3: write `#[expect"), "{bare}");
    }

    #[test]
    fn a_module_lies_beside_its_folder() {
        let found = complaints("a/mod.rs", "//! For this.\n");
        assert_eq!(found, ["a/mod.rs: belongs beside its folder, with the folder's name"]);
    }
}
