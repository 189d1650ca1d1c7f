//! What the vendor's command `graft` does: from a guest's source to a component that Graft runs.
//!
//! `toolchain` finds a compiler for WebAssembly, `build` runs cargo with it, and `componentize` makes a component of what comes
//! out. `lock` pins what is installed. `xtask` builds the first-party guests in the same way.

pub mod toolchain;
pub mod build;
pub mod componentize;
pub mod lock;
