use wasmparser::Validator;

use super::bombs::*;
use super::*;

/// What is said of a component that a compiler would have too much to do with.
#[track_caller]
fn refused(component: &[u8]) -> String {
    scan(component).unwrap_err().to_string()
}

/// What of it is the first to be too much.
#[track_caller]
fn too_much(component: &[u8]) -> &'static str {
    match scan(component).unwrap_err() {
        ScanError::Component { what, .. } | ScanError::Function { what, .. } => what,
        broken @ ScanError::Broken { .. } => panic!("{broken}"),
    }
}

#[test]
fn the_bombs_are_valid_components_when_they_are_small() {
    for (name, component) in [
        ("straight", straight(2, 100)),
        ("tiny", tiny(3)),
        ("live", live(5, 5)),
        ("ladder", ladder(3)),
        ("loops", loops(2, 2)),
        ("nest", nest(3)),
        ("results", results(3)),
        ("calls", calls(3, 3)),
        ("unused locals", unused_locals(2, 3)),
        ("modules", modules(2)),
        ("components", components(3)),
        ("types", types(3)),
        ("segments", segments(2)),
        ("exports", exports(2)),
    ] {
        let error = Validator::new().validate_all(&component).err();
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(scan(&component), Ok(()), "{name}");
    }
}

#[test]
fn a_function_that_is_too_long_is_refused_with_its_number_and_the_limit() {
    assert_eq!(
        refused(&straight(1, 6 << 20)),
        "its function 1 has bytes beyond the limit of 2097152, which no compiler should be given"
    );
    assert_eq!(too_much(&straight(1, (2 << 20) - 100)), "work for a compiler");
    assert_eq!(scan(&straight(1, 1 << 20)), Ok(()));
}

#[test]
fn too_many_functions_are_refused_with_the_limit() {
    assert_eq!(
        refused(&tiny(200_000)),
        "it has functions beyond the limit of 60000, which no compiler should be given"
    );
    assert_eq!(scan(&tiny(60_000)), Ok(()));
}

#[test]
fn many_locals_that_live_long_are_refused() {
    assert_eq!(too_much(&live(2_000, 20_000)), "locals");
    assert_eq!(too_much(&live(2_000, 200_000)), "locals");
    assert_eq!(too_much(&live(1_000, 50_000)), "work for a compiler");
    assert_eq!(scan(&live(200, 20_000)), Ok(()));
}

#[test]
fn jumps_that_cost_the_square_of_their_number_are_refused() {
    // A megabyte of it.
    assert_eq!(too_much(&ladder(75_000)), "blocks and branches");
    assert_eq!(too_much(&loops(20_000, 20)), "bytes");
    assert_eq!(too_much(&loops(5_000, 20)), "work for a compiler");
    assert_eq!(too_much(&loops(20_000, 1)), "work for a compiler");
    assert_eq!(too_much(&nest(10_000)), "blocks in each other");
    assert_eq!(too_much(&results(20_000)), "work for a compiler");
    assert_eq!(scan(&ladder(5_000)), Ok(()));
    assert_eq!(scan(&loops(500, 20)), Ok(()));
    assert_eq!(scan(&results(2_000)), Ok(()));
}

#[test]
fn values_count_that_an_instruction_of_two_bytes_moves() {
    assert_eq!(too_much(&calls(100, 5_000)), "work for a compiler");
    assert_eq!(too_much(&calls(101, 1)), "parameters or results of a function");
    assert_eq!(scan(&calls(18, 5_000)), Ok(()));
}

#[test]
fn many_functions_are_too_much_together_when_each_is_not() {
    assert_eq!(too_much(&unused_locals(20_000, 1_000)), "work for a compiler");
    assert_eq!(too_much(&straight(50, 1 << 20)), "work for a compiler");
    assert_eq!(scan(&unused_locals(2_000, 1_000)), Ok(()));
}

#[test]
fn what_is_not_code_is_counted_as_well() {
    for (component, what) in [
        (modules(151), "core modules"),
        (components(9), "nested components"),
        (types(30_000), "bytes of types"),
        (segments(40_001), "data and element segments"),
        (exports(40_001), "types, imports, exports and globals"),
    ] {
        assert_eq!(too_much(&component), what);
    }
}

#[test]
fn types_within_types_are_not_read_recursively() {
    // As deep as their bytes allow, which would take far more stack than a test has.
    assert_eq!(scan(&types(21_000)), Ok(()));
}

#[test]
fn a_component_that_ends_anywhere_is_broken_and_never_more() {
    for component in [loops(2, 2), calls(2, 2), exports(2), components(3)] {
        for length in 8..component.len() {
            let cut = scan(&component[..length]);
            // A section may end there.
            assert!(matches!(cut, Ok(()) | Err(ScanError::Broken { .. })), "{length}: {cut:?}");
        }
    }
}
