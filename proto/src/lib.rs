//! The wire: Grafana's `pluginv2` protocol and go-plugin's own services, generated from the `.proto` files beside `src/`.
//!
//! Client and server sides of both: the host serves them; tests and the demo call them. `tests/bootstrap.rs` proves
//! the generated code fresh.

#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
#[rustfmt::skip]
pub mod pluginv2;

#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
#[rustfmt::skip]
pub mod plugin;

/// Both protocols as data, a `FileDescriptorSet`, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("descriptors.bin");
