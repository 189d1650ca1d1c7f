use super::*;

/// A component that exports instances of these names, and imports instances of those.
fn component(exports: &[&str], imports: &[&str]) -> Vec<u8> {
    // By its index, because names would become one more section.
    let empty = imports.len();
    let imports = imports.iter().map(|name| format!("(import \"{name}\" (instance))"));
    let exports = exports.iter().map(|name| format!("(export \"{name}\" (instance {empty}))"));
    let items: String = imports.chain(["(instance)".to_owned()]).chain(exports).collect();
    wat::parse_str(format!("(component {items})")).unwrap()
}

fn guest(version: &str, imports: &[&str]) -> Vec<u8> {
    let names = EXPORTS.map(|interface| format!("{PACKAGE}/{interface}@{version}"));
    component(&names.each_ref().map(String::as_str), imports)
}

fn sentence(bytes: &[u8]) -> String {
    inspect(bytes).unwrap_err().to_string()
}

#[test]
fn a_component_of_the_contract_is_a_guest_whatever_else_it_exports() {
    let types = "graft:datasource/http@0.1.0";
    assert_eq!(inspect(&guest("0.1.0", &["graft:datasource/host@0.1.0", types])), Ok(()));
    let mut names = EXPORTS.map(|interface| format!("{PACKAGE}/{interface}@0.1.0")).to_vec();
    names.push("vendor:extra/thing".to_owned());
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(inspect(&component(&names, &[])), Ok(()));
}

#[test]
fn a_patch_of_the_contract_fits_and_another_minor_does_not() {
    assert_eq!(inspect(&guest("0.1.7", &[])), Ok(()));
    assert_eq!(
        sentence(&guest("0.2.0", &[])),
        "it is made for version 0.2.0 of the contract graft:datasource, and this host speaks 0.1.0"
    );
}

#[test]
fn a_file_that_is_something_else_is_named_for_what_it_is() {
    assert_eq!(sentence(b""), "its file is empty, not a WebAssembly component");
    assert_eq!(sentence(b"\x7fELF\x02"), "its file is native code, not a WebAssembly component");
    assert_eq!(
        sentence(b"(component)"),
        "its file is WebAssembly text, not a WebAssembly component"
    );
    assert_eq!(sentence(b"<html>"), "its file is something else, not a WebAssembly component");
    let module = wat::parse_str("(module)").unwrap();
    assert!(sentence(&module).contains("`graft componentize`"), "{}", sentence(&module));
}

#[test]
fn a_file_that_was_cut_off_is_broken_at_a_byte() {
    let whole = guest("0.1.0", &[]);
    for length in 4..whole.len() {
        // What is left may also be a component that lacks something.
        assert!(inspect(&whole[..length]).is_err(), "{length}");
    }
    let sentence = sentence(&whole[..whole.len() - 1]);
    assert!(sentence.starts_with("its file is broken at byte "), "{sentence}");
}

#[test]
fn what_the_parser_says_fits_a_line() {
    let mut core_of_no_kind = guest("0.1.0", &[]);
    // Section 1 is a core module, whose first bytes are none of one.
    core_of_no_kind.extend([1, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    let sentence = sentence(&core_of_no_kind);
    assert!(sentence.contains("bad magic number - expected=[ 0x0, 0x61,"), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[test]
fn a_component_of_something_else_is_no_guest() {
    assert_eq!(inspect(&component(&["wasi:cli/run@0.2.0"], &[])), Err(InspectError::NoGuest));
}

#[test]
fn a_guest_that_lacks_a_part_is_told_which() {
    let describe = "graft:datasource/describe@0.1.0";
    assert_eq!(
        inspect(&component(&[describe], &[])),
        Err(InspectError::Missing { interface: "query" })
    );
}

#[test]
fn no_guest_may_import_a_socket() {
    let socket = "wasi:sockets/tcp@0.2.0";
    let refused = inspect(&guest("0.1.0", &["graft:datasource/host@0.1.0", socket]));
    assert_eq!(refused, Err(InspectError::Import { import: socket.to_owned() }));
    assert!(inspect(&guest("0.1.0", &["graft:datasource/secrets@0.1.0"])).is_err());
    assert!(inspect(&guest("0.1.0", &["anything"])).is_err());
}
