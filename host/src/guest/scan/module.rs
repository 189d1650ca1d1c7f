//! What is known of a core module when its code comes: how many values each of its functions takes and returns.

use wasmparser::{
    Element, ElementItems, FunctionSectionReader, ImportSectionReader, TypeRef, TypeSectionReader,
};

use super::ScanError;
use crate::limits::{COMPONENT_FUNCTIONS_MAX, FUNCTION_VALUES_MAX};

/// A core module, up to its code.
#[derive(Default)]
pub(super) struct Module {
    types: Vec<Signature>,
    /// Types of functions by the functions' indexes: first those imported, then those defined.
    functions: Vec<u32>,
    imported: usize,
    /// How many of those defined have been read.
    pub(super) defined: usize,
}

/// How many values a function or block takes and returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) parameters: u32,
    pub(super) results: u32,
}

impl Signature {
    /// All values that are moved by whoever uses it.
    pub(super) fn values(self) -> u64 {
        u64::from(self.parameters) + u64::from(self.results)
    }
}

impl Module {
    pub(super) fn take_types(&mut self, section: TypeSectionReader<'_>) -> Result<(), ScanError> {
        for function in section.into_iter_err_on_gc_types() {
            let function = function?;
            let (parameters, results) = (function.params().len(), function.results().len());
            if parameters.max(results) as u64 > FUNCTION_VALUES_MAX {
                let what = "parameters or results of a function";
                return Err(ScanError::Component { what, most: FUNCTION_VALUES_MAX });
            }
            let count = |values: usize| u32::try_from(values).unwrap_or(u32::MAX);
            let (parameters, results) = (count(parameters), count(results));
            self.types.push(Signature { parameters, results });
        }
        Ok(())
    }

    /// Returns how many functions are imported: one entry of the section can stand for any number.
    pub(super) fn take_imports(
        &mut self,
        section: ImportSectionReader<'_>,
    ) -> Result<u32, ScanError> {
        for import in section.into_imports() {
            if let TypeRef::Func(index) = import?.ty {
                self.functions.push(index);
                self.imported += 1;
            }
            if self.imported as u64 > COMPONENT_FUNCTIONS_MAX {
                let (what, most) = ("imported functions", COMPONENT_FUNCTIONS_MAX);
                return Err(ScanError::Component { what, most });
            }
        }
        Ok(u32::try_from(self.imported).unwrap_or(u32::MAX))
    }

    pub(super) fn take_functions(
        &mut self,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), ScanError> {
        for index in section {
            self.functions.push(index?);
        }
        Ok(())
    }

    /// The type with this index. If there is none the compiler will say so.
    pub(super) fn signature(&self, index: u32) -> Signature {
        self.types.get(index as usize).copied().unwrap_or_default()
    }

    /// That of the function with this index.
    pub(super) fn function(&self, index: u32) -> Signature {
        let index = self.functions.get(index as usize).copied();
        index.map_or_else(Signature::default, |index| self.signature(index))
    }

    /// That of the function whose code comes next.
    pub(super) fn next(&self) -> Signature {
        self.function(u32::try_from(self.imported + self.defined).unwrap_or(u32::MAX))
    }
}

/// How many elements a segment has.
pub(super) fn elements(segment: &Element<'_>) -> u32 {
    match &segment.items {
        ElementItems::Functions(functions) => functions.count(),
        ElementItems::Expressions(_, expressions) => expressions.count(),
    }
}
