//! Checked frames, and how pages of one frame are appended: rows in order, everything else from the first.
//!
//! Pages are kept as they came. JSON is written from one after the other; for Arrow each column is joined once, at the
//! end, and its pages are dropped then.

use std::mem;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::error::ArrowError;

use super::columns;
use super::error::{Flaw, Misfit};
use super::field_type::FieldType;
use super::metadata::{self, Meta};
use crate::model::{Field, Frame, Kind};

#[cfg(test)]
mod tests;

/// A frame that Grafana can read, all but its ref id.
#[derive(Clone, Debug)]
pub(super) struct CheckedFrame {
    /// May be empty.
    pub name: String,
    /// Grafana's `meta`; none if nothing was said.
    pub meta: Option<Meta>,
    /// All of the same length.
    pub fields: Vec<CheckedField>,
    /// That length.
    pub rows: usize,
}

/// A field that Grafana can read.
#[derive(Clone, Debug)]
pub(super) struct CheckedField {
    /// May be empty.
    pub name: String,
    /// A JSON object of texts.
    pub labels: Option<String>,
    /// Grafana's field config, a JSON object.
    pub config: Option<String>,
    /// What the values are.
    pub field_type: FieldType,
    /// How many texts the config has for an enum.
    pub enum_texts: usize,
    /// The values, page by page; at least one page.
    pub pages: Vec<ArrayRef>,
}

impl CheckedFrame {
    /// Checks a frame that stands alone, or is the first of its pages.
    pub(super) fn check(frame: Frame) -> Result<Self, Misfit> {
        let rows = rows(&frame)?;
        let meta = metadata::meta(frame.meta, frame.fields.len())?;
        let fields = frame.fields.into_iter().enumerate().map(|(index, field)| {
            let name = field.name.clone();
            CheckedField::check(field).map_err(|flaw| flaw.of_field(index, &name))
        });
        Ok(Self { name: frame.name, meta, fields: fields.collect::<Result<_, _>>()?, rows })
    }

    /// What kind of frame it says to be.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.meta.as_ref().and_then(Meta::kind)
    }

    /// The frame with all its rows, which it loses by that.
    pub(super) fn take_rows(&mut self) -> Self {
        let taken = self.clone();
        self.rows = 0;
        self.fields.iter_mut().for_each(|field| field.pages.clear());
        taken
    }

    /// Appends the rows of a page that has the same key.
    pub(super) fn append(&mut self, page: Frame) -> Result<(), Misfit> {
        let rows = rows(&page)?;
        let (fields, expected) = (page.fields.len(), self.fields.len());
        if fields != expected {
            return Err(Flaw::PageFields { fields, expected }.into());
        }
        for (index, (first, field)) in self.fields.iter_mut().zip(page.fields).enumerate() {
            let name = field.name.clone();
            first.append(field).map_err(|flaw| flaw.of_field(index, &name))?;
        }
        self.rows += rows;
        Ok(())
    }
}

impl CheckedField {
    fn check(field: Field) -> Result<Self, Flaw> {
        let field_type = FieldType::from(&field);
        let labels = metadata::labels(field.labels)?;
        let metadata::Config { json: config, enum_texts } = metadata::config(field.config)?;
        let page = columns::array(field.values, field.validity, enum_texts)?;
        Ok(Self { name: field.name, labels, config, field_type, enum_texts, pages: vec![page] })
    }

    fn append(&mut self, field: Field) -> Result<(), Flaw> {
        let (found, expected) = (FieldType::from(&field), self.field_type);
        if field.name != self.name {
            return Err(Flaw::PageName(self.name.clone()));
        }
        if found != expected {
            let (found, expected) = (found.to_string(), expected.to_string());
            return Err(Flaw::PageType { found, expected });
        }
        self.pages.push(columns::array(field.values, field.validity, self.enum_texts)?);
        Ok(())
    }

    /// All values in one array. The pages are gone after that.
    pub(super) fn take_column(&mut self) -> Result<ArrayRef, ArrowError> {
        let mut pages = mem::take(&mut self.pages);
        match pages.len() {
            1 => Ok(pages.swap_remove(0)),
            _ => concat(&pages.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>()),
        }
    }
}

/// The length that all columns of a frame share; 0 if there are none.
fn rows(frame: &Frame) -> Result<usize, Misfit> {
    let lengths = || frame.fields.iter().map(|field| columns::rows(&field.values));
    let expected = lengths().next().unwrap_or_default();
    let odd = lengths().zip(&frame.fields).enumerate().find(|(_, (rows, _))| *rows != expected);
    match odd {
        Some((index, (rows, field))) => {
            Err(Flaw::Length { rows, expected }.of_field(index, &field.name))
        }
        None => Ok(expected),
    }
}
