//! For the fuzzers: what is done with a stranger's bytes before anything trusts them.

use super::inspect::inspect;
use super::scan::scan;

/// Judges and counts a component, as loading does, and says in words what is wrong with it.
pub fn judge(component: &[u8]) -> Result<(), String> {
    inspect(component).map_err(|error| error.to_string())?;
    scan(component).map_err(|error| error.to_string())
}

/// Counts what is not even a guest.
pub fn count(component: &[u8]) -> Result<(), String> {
    scan(component).map_err(|error| error.to_string())
}
