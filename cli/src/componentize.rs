//! From a core module, which any compiler makes, to a component, which Graft runs.

#[cfg(test)]
mod tests;

use anyhow::{Context as _, bail};
use wasm_encoder::{RawSection, Section as _};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem};

/// The package of the contract, without its version: that is for the host to judge.
const CONTRACT: (&str, &str) = ("graft", "datasource");
/// The one interface of the contract with functions that a guest may import.
const HOST_INTERFACE: &str = "host";
/// What a guest exports in any case.
const STORY: &str = "query";

/// Makes a component of a core module whose toolchain wrote down the interfaces, as `graft_guest` does.
///
/// Debug information goes, for it makes up most of a file and nobody debugs a guest by it; names stay, so that a crash tells
/// where. The component is valid and imports nothing but the contract.
pub fn componentize(core: &[u8]) -> anyhow::Result<Vec<u8>> {
    if !core.starts_with(b"\0asm") {
        bail!("it is no WebAssembly module");
    }
    if Parser::is_component(core) {
        bail!("it is a component already, not a core module");
    }
    let core = without_debug_information(core)?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .and_then(ComponentEncoder::encode)
        .context("no component can be made of the core module")?;
    check(&component)?;
    Ok(component)
}

/// Whether the component is a guest: it exports the contract and imports nothing else.
pub fn check(component: &[u8]) -> anyhow::Result<()> {
    let decoded = wit_component::decode(component).context("it is no component")?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        bail!("it is a package of interfaces, not a component");
    };
    let world = &resolve.worlds[world];
    for (key, item) in &world.imports {
        if !is_allowed(&resolve, item) {
            bail!(
                "it imports '{import}', and a guest may import nothing but graft:datasource: it sees no clock, \
                 network, file or environment. Build it for wasm32-unknown-unknown, without crates that need '{import}'",
                import = resolve.name_world_key(key)
            );
        }
    }
    if !world.exports.values().any(|item| interface(&resolve, item).as_deref() == Some(STORY)) {
        bail!(
            "it does not export graft:datasource/{STORY}, so it is no guest: does the crate depend on \
             graft-guest and end with `export!(…)`?"
        );
    }
    Ok(())
}

/// Interfaces that hold only types are imported as well; nothing comes in by them.
fn is_allowed(resolve: &Resolve, import: &WorldItem) -> bool {
    match import {
        WorldItem::Type { .. } => true,
        WorldItem::Function(_) => false,
        WorldItem::Interface { id, .. } => {
            let name = interface(resolve, import);
            name.is_some_and(|name| {
                name == HOST_INTERFACE || resolve.interfaces[*id].functions.is_empty()
            })
        }
    }
}

/// The name of an interface of the contract.
fn interface(resolve: &Resolve, item: &WorldItem) -> Option<String> {
    let WorldItem::Interface { id, .. } = item else { return None };
    let interface = &resolve.interfaces[*id];
    let package = &resolve.packages[interface.package?].name;
    let is_ours = (package.namespace.as_str(), package.name.as_str()) == CONTRACT;
    interface.name.clone().filter(|_name| is_ours)
}

/// The core module without its DWARF sections. Imports that no component could have are refused here, where there is more
/// to say about them.
fn without_debug_information(core: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut kept = wasm_encoder::Module::HEADER.to_vec();
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload.context("it is no WebAssembly module")?;
        match &payload {
            Payload::CustomSection(section) if section.name().starts_with(".debug_") => continue,
            Payload::ImportSection(imports) => refuse_wasi(imports.clone())?,
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            RawSection { id, data: &core[range] }.append_to(&mut kept);
        }
    }
    Ok(kept)
}

fn refuse_wasi(imports: wasmparser::ImportSectionReader<'_>) -> anyhow::Result<()> {
    for import in imports.into_imports() {
        let import = import.context("it is no WebAssembly module")?;
        if import.module.starts_with("wasi") {
            bail!(
                "it imports '{}' of '{}', and a guest has no use for WASI: it sees no clock, network, file or \
                 environment. Build it for wasm32-unknown-unknown",
                import.name,
                import.module
            );
        }
    }
    Ok(())
}
