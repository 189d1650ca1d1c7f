//! What a file is, seen from its outermost layer alone, before anything of it is compiled or run: so that a wrong kind of
//! file, a wrong contract version or a forbidden import is a sentence and not a link error.

#[cfg(test)]
mod tests;

use wasmparser::{Encoding, Parser, Payload};

use super::description::shown;

/// The package of the contract.
pub(super) const PACKAGE: &str = "graft:datasource";
/// The version of the contract that this host speaks; `wit/README.md` says which others fit.
pub const VERSION: &str = "0.1.0";
/// What a guest must export.
const EXPORTS: [&str; 4] = ["describe", "query", "health", "resources"];
/// Names of the contract's interfaces that a component imports: `host`, and interfaces of types.
const IMPORTS: [&str; 4] = ["host", "context", "frame", "http"];

/// Why a file is no guest. Reads as the end of "guest 'x' cannot be loaded: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// No WebAssembly at all.
    #[error("its file is {found}, not a WebAssembly component")]
    NotWebAssembly {
        /// What it looks like.
        found: &'static str,
    },
    /// A core module.
    #[error("its file is a WebAssembly core module; `graft componentize` makes a component of it")]
    CoreModule,
    /// WebAssembly, but broken.
    #[error("its file is broken at byte {offset} ({reason})")]
    Broken {
        /// Where.
        offset: u64,
        /// What the parser says.
        reason: String,
    },
    /// A component of something else.
    #[error("it is a component, but exports nothing of {PACKAGE}, the contract for guests")]
    NoGuest,
    /// A guest for another version of the contract.
    #[error(
        "it is made for version {version} of the contract {PACKAGE}, and this host speaks {VERSION}"
    )]
    Version {
        /// The component's.
        version: String,
    },
    /// A guest that lacks a part.
    #[error("it does not export '{PACKAGE}/{interface}'")]
    Missing {
        /// What it lacks.
        interface: &'static str,
    },
    /// A guest that wants more than a guest may have.
    #[error("it imports '{import}', which no guest may have")]
    Import {
        /// What it imports.
        import: String,
    },
}

/// Judges a file by its imports and exports.
pub(super) fn inspect(bytes: &[u8]) -> Result<(), InspectError> {
    check_kind(bytes)?;
    let (imports, exports) = names(bytes)?;
    let exported: Vec<_> = exports.iter().filter_map(|name| Name::parse(name)).collect();
    let ours = |name: &&Name<'_>| name.package == PACKAGE;
    let Some(any) = exported.iter().find(ours) else { return Err(InspectError::NoGuest) };
    if !exported.iter().filter(ours).any(Name::fits) {
        return Err(InspectError::Version { version: shown(any.version) });
    }
    for interface in EXPORTS {
        if !exported.iter().filter(ours).any(|name| name.interface == interface && name.fits()) {
            return Err(InspectError::Missing { interface });
        }
    }
    match imports.into_iter().find(|import| !may_import(import)) {
        Some(import) => Err(InspectError::Import { import: shown(import) }),
        None => Ok(()),
    }
}

fn check_kind(bytes: &[u8]) -> Result<(), InspectError> {
    let found = match bytes {
        [b'\0', b'a', b's', b'm', ..] if Parser::is_core_wasm(bytes) => {
            return Err(InspectError::CoreModule);
        }
        [b'\0', b'a', b's', b'm', ..] => return Ok(()),
        [] => "empty",
        [0x7f, b'E', b'L', b'F', ..] => "native code",
        [b'(', ..] => "WebAssembly text",
        [b'P', b'K', ..] => "a zip archive",
        _ => "something else",
    };
    Err(InspectError::NotWebAssembly { found })
}

/// The names of the outermost component's imports and exports.
fn names(bytes: &[u8]) -> Result<(Vec<&str>, Vec<&str>), InspectError> {
    let broken = |error: wasmparser::Error| {
        let (offset, reason) = broken(&error);
        InspectError::Broken { offset, reason }
    };
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(InspectError::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(broken)?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(broken)?.name.name);
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// Where a file is broken, and what the parser says: in one line, whatever a stranger's names or the parser's own tables do to it.
pub(super) fn broken(error: &wasmparser::Error) -> (u64, String) {
    let words = error.message().split_whitespace().map(shown);
    (error.offset() as u64, words.collect::<Vec<_>>().join(" "))
}

fn may_import(import: &str) -> bool {
    let Some(name) = Name::parse(import) else { return false };
    match name.package {
        PACKAGE => IMPORTS.contains(&name.interface) && name.fits(),
        _ => false,
    }
}

/// `package/interface@version`.
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    /// Empty if there is none.
    version: &'a str,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (name, version) = name.split_once('@').unwrap_or((name, ""));
        let (package, interface) = name.split_once('/')?;
        Some(Self { package, interface, version })
    }

    /// Whether the version is one that this host speaks: below 1.0 the minor number must agree.
    fn fits(&self) -> bool {
        fn significant(version: &str) -> Option<(&str, &str)> {
            let mut parts = version.split('.');
            Some((parts.next()?, parts.next()?))
        }
        significant(self.version).is_some_and(|theirs| Some(theirs) == significant(VERSION))
    }
}
