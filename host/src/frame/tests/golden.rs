//! Golden files: what leaves the host, byte for byte, and the same readable beside it.
//!
//! `tests/golden/<case>.arrow` and `.json` are what Grafana gets; `.txt` is what arrow's own reader finds in the former.
//! They are rewritten only where `UPDATE_GOLDEN=1` is set. Look at the difference in the `.txt` before you commit it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::FileReader;
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;

use super::{cases, encode};
use crate::model::Format;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares with what is on file, or files it.
fn compare(path: &Path, actual: &[u8]) {
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} is not what is written now; where that is right, run again with UPDATE_GOLDEN=1.\n\
         --- on file\n{}\n--- now\n{}",
        path.display(),
        String::from_utf8_lossy(&expected),
        String::from_utf8_lossy(actual)
    );
}

/// What an Arrow file holds, for people.
fn describe(file: &[u8]) -> String {
    let mut text = String::new();
    let reader = FileReader::try_new(std::io::Cursor::new(file), None).unwrap();
    let schema = reader.schema();
    for (key, value) in schema.metadata().iter() {
        writeln!(text, "{key}: {value}").unwrap();
    }
    for (index, field) in schema.fields().iter().enumerate() {
        let nullable = if field.is_nullable() { "nullable " } else { "" };
        writeln!(text, "field {index} {:?}: {nullable}{}", field.name(), field.data_type())
            .unwrap();
        for (key, value) in field.metadata().iter() {
            writeln!(text, "  {key}: {value}").unwrap();
        }
    }
    let batches: Vec<RecordBatch> = reader.map(|batch| readable(&batch.unwrap())).collect();
    writeln!(text, "{} record batches", batches.len()).unwrap();
    if !batches.is_empty() {
        writeln!(text, "{}", pretty_format_batches(&batches).unwrap()).unwrap();
    }
    text
}

/// The same batch with its JSON documents as text, and names that differ.
fn readable(batch: &RecordBatch) -> RecordBatch {
    let columns: Vec<ArrayRef> = batch.columns().iter().map(readable_column).collect();
    let fields = batch.schema_ref().fields().iter().zip(&columns).enumerate();
    let fields: Vec<Field> = fields
        .map(|(index, (field, column))| {
            let name = format!("{index} {}", field.name());
            Field::new(name, column.data_type().clone(), field.is_nullable())
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn readable_column(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Binary => cast(column, &DataType::Utf8).unwrap(),
        _ => column.clone(),
    }
}

#[test]
fn every_case_is_written_as_on_file() {
    for (name, frames) in cases::all() {
        let encoded = |format| {
            let mut encoded = encode(vec![frames.clone()], format).unwrap();
            assert_eq!(encoded.len(), 1, "{name} is one frame");
            encoded.remove(0)
        };
        let arrow = encoded(Format::Arrow);
        compare(&folder().join(format!("{name}.txt")), describe(&arrow).as_bytes());
        compare(&folder().join(format!("{name}.arrow")), &arrow);
        compare(&folder().join(format!("{name}.json")), &encoded(Format::Json));
    }
}

#[test]
fn no_file_is_left_over_from_a_case_that_is_gone() {
    let cases: Vec<_> = cases::all().into_iter().map(|(name, _)| name.to_owned()).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let of_a_case =
            ["arrow", "json", "txt"].iter().any(|end| path.extension() == Some(end.as_ref()));
        assert!(!of_a_case || cases.contains(&name), "{} belongs to no case", path.display());
    }
}

/// The Python that `cargo xtask setup` makes, unless `GRAFT_PYTHON` names another.
fn python() -> PathBuf {
    let made = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin/python");
    std::env::var_os("GRAFT_PYTHON").map_or_else(made, PathBuf::from)
}

#[test]
fn an_independent_reader_agrees() {
    let python = python();
    let has_pyarrow = Command::new(&python).args(["-c", "import pyarrow"]).output();
    if !has_pyarrow.is_ok_and(|output| output.status.success()) {
        let skipped = format!(
            "SKIPPED an_independent_reader_agrees: {} has no pyarrow; run `cargo xtask setup`, or name a Python \
             that has it in GRAFT_PYTHON\n",
            python.display()
        );
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{skipped}");
        // Not `eprintln!`, which the test harness keeps to itself.
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        return;
    }
    let output = Command::new(&python).arg(folder().join("check.py")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.trim(), format!("{} cases agree", cases::all().len()));
}
