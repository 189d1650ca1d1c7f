//! Components that are no guests, or want more than a guest may have, are refused before anything of them runs.

use super::{Hostile, raise};

#[tokio::test]
pub(super) async fn component_of_nothing() {
    let hostile = Hostile::start("component_of_nothing").await;
    hostile.cannot_be_used("it is a component, but exports nothing of graft:datasource").await;
}

#[tokio::test]
pub(super) async fn overwritten_code() {
    let hostile = Hostile::start("overwritten_code").await;
    hostile.cannot_be_used("its file is broken at byte ").await;
}

#[tokio::test]
pub(super) async fn export_is_missing() {
    let hostile = Hostile::start("export_is_missing").await;
    hostile.cannot_be_used("it does not export 'graft:datasource/resources'").await;
}

#[tokio::test]
pub(super) async fn export_of_another_type() {
    let hostile = Hostile::start("export_of_another_type").await;
    hostile.cannot_be_used("its exports do not have the contract's types: ").await;
}

#[tokio::test]
pub(super) async fn contract_of_another_version() {
    let hostile = Hostile::start("contract_of_another_version").await;
    let reason = "it is made for version 7.0.0 of the contract graft:datasource, and this host \
                  speaks 0.1.0";
    hostile.cannot_be_used(reason).await;
}

#[tokio::test]
pub(super) async fn imports_sockets() {
    let hostile = Hostile::start("imports_sockets").await;
    let import = "it imports 'wasi:sockets/tcp-create-socket@0.2.0', which no guest may have";
    hostile.cannot_be_used(import).await;
}

#[tokio::test]
pub(super) async fn imports_files() {
    let hostile = Hostile::start("imports_files").await;
    let import = "it imports 'wasi:filesystem/preopens@0.2.0', which no guest may have";
    hostile.cannot_be_used(import).await;
}

#[tokio::test]
pub(super) async fn imports_http() {
    let hostile = Hostile::start("imports_http").await;
    let import = "it imports 'wasi:http/outgoing-handler@0.2.0', which no guest may have";
    hostile.cannot_be_used(import).await;
}

#[tokio::test]
pub(super) async fn imports_what_the_host_has_not() {
    let hostile = Hostile::start("imports_what_the_host_has_not").await;
    hostile.cannot_be_used("its imports or exports do not fit the contract: ").await;
}

#[tokio::test]
pub(super) async fn components_within_components() {
    let hostile = Hostile::start("components_within_components").await;
    hostile.cannot_be_used("it has nested components beyond the limit of 8").await;
}

#[tokio::test]
pub(super) async fn types_within_types() {
    let hostile = Hostile::start("types_within_types").await;
    hostile.cannot_be_used("it is not a valid component (").await;
}

#[tokio::test]
pub(super) async fn too_many_instances() {
    let hostile = Hostile::start("too_many_instances").await;
    let cannot = format!("Guest '{}' cannot be used: ", hostile.guest);
    let remedy = raise("guest_memory_bytes");
    hostile.fails(500, "plugin", &[&cannot, "contains 203 core module instances", &remedy]).await;
}

#[tokio::test]
pub(super) async fn memory_is_shared() {
    let hostile = Hostile::start("memory_is_shared").await;
    hostile.cannot_be_used("threads must be enabled for shared memories").await;
}

#[tokio::test]
pub(super) async fn memory_is_of_64_bits() {
    let hostile = Hostile::start("memory_is_of_64_bits").await;
    hostile.cannot_be_used("memory64 must be enabled for 64-bit memories").await;
}

#[tokio::test]
pub(super) async fn atomics_are_used() {
    let hostile = Hostile::start("atomics_are_used").await;
    hostile.cannot_be_used("threads support is not enabled").await;
}

#[tokio::test]
pub(super) async fn objects_are_collected() {
    let hostile = Hostile::start("objects_are_collected").await;
    hostile.cannot_be_used("gc proposal not supported").await;
}

#[tokio::test]
pub(super) async fn exceptions_are_thrown() {
    let hostile = Hostile::start("exceptions_are_thrown").await;
    hostile.cannot_be_used("exceptions proposal not enabled").await;
}
