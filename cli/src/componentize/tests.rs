use wit_component::{StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, PackageId};

use super::*;

/// A core module that has all that the only world of a source wants, and does nothing.
fn core(source: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_path("../wit").unwrap();
    let package = resolve.push_str("test.wit", source).unwrap();
    core_of(&resolve, package, None)
}

/// The same of a world of the contract.
fn core_of_contract(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _files) = resolve.push_path("../wit").unwrap();
    core_of(&resolve, package, Some(world))
}

fn core_of(resolve: &Resolve, package: PackageId, world: Option<&str>) -> Vec<u8> {
    let world = resolve.select_world(&[package], world).unwrap();
    let mangling = ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync);
    let mut core = dummy_module(resolve, world, mangling);
    embed_component_metadata(&mut core, resolve, world, StringEncoding::UTF8, false).unwrap();
    core
}

#[track_caller]
fn refused(core: &[u8], part: &str) {
    let error = format!("{:#}", componentize(core).unwrap_err());
    assert!(error.contains(part), "{error}");
}

#[test]
fn each_of_the_contracts_worlds_becomes_a_component() {
    for world in ["datasource", "extended-datasource"] {
        let component = componentize(&core_of_contract(world)).unwrap();
        assert!(Parser::is_component(&component), "{world}");
        check(&component).unwrap();
    }
}

#[test]
fn an_import_of_something_else_is_refused_by_name() {
    let source = "
        package test:clock;
        interface clock { now: func() -> u64; }
        world guest {
            import clock;
            include graft:datasource/datasource@0.1.0;
        }";
    refused(&core(source), "it imports 'test:clock/clock', and a guest may import nothing but");
}

#[test]
fn a_function_that_is_imported_alone_is_refused() {
    let source = "
        package test:clock;
        world guest {
            import now: func() -> u64;
            include graft:datasource/datasource@0.1.0;
        }";
    refused(&core(source), "it imports 'now'");
}

#[test]
fn types_may_be_imported_only_from_the_contract() {
    let source = "
        package test:shapes;
        interface shapes { record shape { corners: u8 } }
        interface drawing { use shapes.{shape}; draw: func() -> shape; }
        world guest {
            export drawing;
            include graft:datasource/datasource@0.1.0;
        }";
    refused(&core(source), "it imports 'test:shapes/shapes'");
}

#[test]
fn wasi_is_refused_before_anything_else() {
    let module = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#;
    refused(&wat::parse_str(module).unwrap(), "'fd_write' of 'wasi_snapshot_preview1'");
}

#[test]
fn a_module_without_the_contract_is_no_guest() {
    refused(&wat::parse_str("(module)").unwrap(), "does the crate depend on graft-guest");
}

#[test]
fn what_is_no_core_module_is_told_apart() {
    refused(b"\x7fELF", "it is no WebAssembly module");
    refused(&wat::parse_str("(component)").unwrap(), "it is a component already");
}

#[test]
fn debug_information_goes_and_names_stay() {
    let module =
        r#"(module (func $here) (@custom ".debug_info" "DWARF") (@custom "other" "KEPT"))"#;
    let kept = without_debug_information(&wat::parse_str(module).unwrap()).unwrap();
    let contains = |part: &[u8]| kept.windows(part.len()).any(|window| window == part);
    assert!(!contains(b"DWARF"));
    assert!(contains(b"here") && contains(b"KEPT"));
    wasmparser::validate(&kept).unwrap();
}
