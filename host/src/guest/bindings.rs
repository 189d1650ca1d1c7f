//! The contract with guests as Rust types, generated from `wit/`.
//!
//! Nothing outside of `guest` sees these: `lower` and `lift` turn them from and into the nouns of `model`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "datasource",
    exports: { default: async },
});
