//! How much work a component is for a compiler, counted before one is started: by one pass over its bytes, which takes time in
//! proportion to them.
//!
//! The unit is an instruction. What costs a compiler more than its bytes show counts as more than one, by what was measured of
//! Cranelift: values that one instruction moves (an instruction of two bytes may call with a hundred), each function at all, locals
//! that are alive over many instructions, and jumps, whose cost grows with their square. What passes compiles in about half a
//! minute; the limits of the compiler's process are for what nobody thought of (`compile.rs`).

mod function;
mod module;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod bombs;

use wasmparser::{Encoding, Parser, Payload};

use super::inspect::broken;
use crate::limits::{
    COMPONENT_COMPONENTS_MAX, COMPONENT_CORE_ITEMS_MAX, COMPONENT_CUSTOM_SECTIONS_MAX,
    COMPONENT_DEPTH_MAX, COMPONENT_ELEMENTS_MAX, COMPONENT_FUNCTIONS_MAX, COMPONENT_ITEMS_MAX,
    COMPONENT_MODULES_MAX, COMPONENT_SEGMENTS_MAX, COMPONENT_TYPE_BYTES_MAX, COMPONENT_WORK_MAX,
};
use module::Module;

/// What a function is before its first instruction.
const WORK_OF_A_FUNCTION: u64 = 20;

/// Why a component is not given to a compiler. Reads as the end of "guest 'x' cannot be loaded: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The component has too much of something.
    #[error("it has {what} beyond the limit of {most}, which no compiler should be given")]
    Component {
        /// Of what.
        what: &'static str,
        /// The limit.
        most: u64,
    },
    /// One of its functions has too much of something.
    #[error(
        "its function {function} has {what} beyond the limit of {most}, which no compiler should be given"
    )]
    Function {
        /// The function's number among those that all its core modules define.
        function: u64,
        /// Of what.
        what: &'static str,
        /// The limit.
        most: u64,
    },
    /// It cannot be read.
    #[error("its file is broken at byte {offset} ({reason})")]
    Broken {
        /// Where.
        offset: u64,
        /// What the parser says.
        reason: String,
    },
}

impl From<wasmparser::Error> for ScanError {
    fn from(error: wasmparser::Error) -> Self {
        let (offset, reason) = broken(&error);
        Self::Broken { offset, reason }
    }
}

/// Looks through a whole component, and no further than to the first thing that is too much.
pub(super) fn scan(bytes: &[u8]) -> Result<(), ScanError> {
    let mut scan = Scan::default();
    for payload in Parser::new(0).parse_all(bytes) {
        scan.take(payload?)?;
    }
    Ok(())
}

/// What there was so far.
#[derive(Default)]
struct Scan {
    /// The core module that is being read.
    module: Module,
    depth: Count,
    modules: Count,
    components: Count,
    functions: Count,
    work: Count,
    core_items: Count,
    segments: Count,
    elements: Count,
    items: Count,
    type_bytes: Count,
    custom_sections: Count,
}

impl Scan {
    fn take(&mut self, payload: Payload<'_>) -> Result<(), ScanError> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => {
                self.module = Module::default();
                self.modules.add(1, "core modules", COMPONENT_MODULES_MAX)?;
                self.depth.add(1, "nested components", COMPONENT_DEPTH_MAX)
            }
            Payload::Version { encoding: Encoding::Component, .. } => {
                self.components.add(1, "components in it", COMPONENT_COMPONENTS_MAX)?;
                self.depth.add(1, "nested components", COMPONENT_DEPTH_MAX)
            }
            Payload::End(_) => {
                self.depth.0 = self.depth.0.saturating_sub(1);
                Ok(())
            }
            Payload::CodeSectionEntry(body) => {
                self.functions.add(1, "functions", COMPONENT_FUNCTIONS_MAX)?;
                let work = function::work(&self.module, &body, self.functions.0)?;
                self.module.defined += 1;
                self.work(WORK_OF_A_FUNCTION + work)
            }
            Payload::CustomSection(_) => {
                let most = COMPONENT_CUSTOM_SECTIONS_MAX;
                self.custom_sections.add(1, "custom sections", most)
            }
            payload => {
                self.take_core(&payload)?;
                self.take_component(&payload)
            }
        }
    }

    /// Sections of a core module.
    fn take_core(&mut self, payload: &Payload<'_>) -> Result<(), ScanError> {
        match payload {
            Payload::TypeSection(section) => {
                self.core_items(section.count())?;
                self.module.take_types(section.clone())
            }
            Payload::ImportSection(section) => {
                self.core_items(section.count())?;
                let functions = self.module.take_imports(section.clone())?;
                self.core_items(functions)
            }
            Payload::FunctionSection(section) => {
                // Before their indexes are kept.
                let most = COMPONENT_FUNCTIONS_MAX;
                Count::default().add(section.count().into(), "functions", most)?;
                self.module.take_functions(section.clone())
            }
            Payload::TableSection(section) => self.core_items(section.count()),
            Payload::MemorySection(section) => self.core_items(section.count()),
            Payload::TagSection(section) => self.core_items(section.count()),
            Payload::GlobalSection(section) => self.core_items(section.count()),
            Payload::ExportSection(section) => self.core_items(section.count()),
            Payload::DataSection(section) => self.segments(section.count()),
            Payload::ElementSection(section) => {
                self.segments(section.count())?;
                for segment in section.clone() {
                    let elements = module::elements(&segment?);
                    self.elements.add(elements.into(), "elements", COMPONENT_ELEMENTS_MAX)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Sections of a component. What they hold is counted and not read: types nest, and reading them recurses.
    fn take_component(&mut self, payload: &Payload<'_>) -> Result<(), ScanError> {
        let types = match payload {
            Payload::ComponentTypeSection(section) => section.range(),
            Payload::CoreTypeSection(section) => section.range(),
            _ => 0..0,
        };
        self.type_bytes.add(types.len() as u64, "bytes of types", COMPONENT_TYPE_BYTES_MAX)?;
        self.items(match payload {
            Payload::ComponentTypeSection(section) => section.count(),
            Payload::CoreTypeSection(section) => section.count(),
            Payload::InstanceSection(section) => section.count(),
            Payload::ComponentInstanceSection(section) => section.count(),
            Payload::ComponentAliasSection(section) => section.count(),
            Payload::ComponentCanonicalSection(section) => section.count(),
            Payload::ComponentImportSection(section) => section.count(),
            Payload::ComponentExportSection(section) => section.count(),
            _ => 0,
        })
    }

    fn work(&mut self, more: u64) -> Result<(), ScanError> {
        self.work.add(more, "work for a compiler", COMPONENT_WORK_MAX)
    }

    fn core_items(&mut self, more: u32) -> Result<(), ScanError> {
        let what = "types, imports, exports and globals";
        self.core_items.add(more.into(), what, COMPONENT_CORE_ITEMS_MAX)
    }

    fn segments(&mut self, more: u32) -> Result<(), ScanError> {
        self.segments.add(more.into(), "data and element segments", COMPONENT_SEGMENTS_MAX)
    }

    fn items(&mut self, more: u32) -> Result<(), ScanError> {
        self.items.add(more.into(), "definitions", COMPONENT_ITEMS_MAX)
    }
}

/// How much there is of something.
#[derive(Clone, Copy, Default)]
struct Count(u64);

impl Count {
    fn add(&mut self, more: u64, what: &'static str, most: u64) -> Result<(), ScanError> {
        self.0 = self.0.saturating_add(more);
        if self.0 <= most { Ok(()) } else { Err(ScanError::Component { what, most }) }
    }
}
