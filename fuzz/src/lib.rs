//! What fuzzers throw bytes at: a function for each place where something from outside comes in. Each panics if what must always be
//! true is not, whatever the bytes.
//!
//! `tests/corpus.rs` runs them with every seed of `corpus/` and with mutations of those; `libfuzzer/` lets a fuzzer look further.

mod environment;
mod settings;
mod policy;
mod frames;
mod component;
mod log;
mod parts;

pub use component::component;
pub use environment::environment;
pub use frames::frames;
pub use log::log;
pub use policy::policy;
pub use settings::settings;

/// A function that bytes are thrown at.
pub type Target = fn(&[u8]);

/// All of them, by the names of their folders below `corpus/`.
pub const TARGETS: [(&str, Target); 6] = [
    ("component", component),
    ("environment", environment),
    ("frames", frames),
    ("log", log),
    ("policy", policy),
    ("settings", settings),
];
