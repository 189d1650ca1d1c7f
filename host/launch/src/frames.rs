//! Frames out of the plugin's bytes: contract section 3.2.

use std::collections::HashMap;
use std::io::Cursor;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, SchemaRef, TimestampNanosecondType};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::util::pretty::pretty_format_batches;
use serde_json::Value;

/// A data frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Its columns; the schema's fields have names, labels and configuration as metadata.
    pub batch: RecordBatch,
}

impl Frame {
    /// Reads a frame from an Arrow IPC file.
    pub fn decode(bytes: &[u8]) -> Result<Self, ArrowError> {
        let reader = FileReader::try_new(Cursor::new(bytes), None)?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        let batch = match batches.as_slice() {
            [] => RecordBatch::new_empty(schema),
            [batch] => batch.clone(),
            several => concat_batches(&schema, several)?,
        };
        Ok(Self { batch })
    }

    /// The schema, whose metadata are the frame's.
    pub fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    /// The frame's metadata: `name`, `refId` and `meta`, where they are there.
    pub fn metadata(&self) -> HashMap<String, String> {
        self.batch.schema().metadata().clone().into()
    }

    /// What Grafana calls the frame's meta: type, notices, executed query. Null if there is none or it cannot be read.
    pub fn meta(&self) -> Value {
        let meta = self.metadata().remove("meta");
        meta.and_then(|meta| serde_json::from_str(&meta).ok()).unwrap_or_default()
    }

    /// The points in time of a column, nanoseconds since the epoch. None if it is a column of something else, or has a
    /// row without a value.
    pub fn times(&self, column: usize) -> Option<Vec<i64>> {
        self.values::<TimestampNanosecondType>(column)
    }

    /// The numbers of a `float64` column. None if it is a column of something else, or has a row without a value.
    pub fn floats(&self, column: usize) -> Option<Vec<f64>> {
        self.values::<Float64Type>(column)
    }

    fn values<T: ArrowPrimitiveType>(&self, column: usize) -> Option<Vec<T::Native>> {
        let array = self.batch.columns().get(column)?.as_primitive_opt::<T>()?;
        (array.null_count() == 0).then(|| array.values().to_vec())
    }

    /// The frame as a table for people.
    pub fn table(&self) -> Result<String, ArrowError> {
        let table = pretty_format_batches(std::slice::from_ref(&self.batch))?;
        Ok(table.to_string())
    }
}

/// Reads all frames of a response.
pub fn decode_all<B: AsRef<[u8]>>(frames: &[B]) -> Result<Vec<Frame>, ArrowError> {
    frames.iter().map(|bytes| Frame::decode(bytes.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::ipc::writer::FileWriter;

    use super::*;

    /// An Arrow file of one column, with a record batch for each list of values.
    fn file(batches: &[&[f64]]) -> Vec<u8> {
        let metadata = [("name", "day"), ("meta", r#"{"type":"table"}"#)];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = vec![Field::new("_avg", DataType::Float64, true)];
        let schema = Arc::new(Schema::new_with_metadata(fields, HashMap::from(metadata)));
        let mut bytes = Vec::new();
        let mut writer = FileWriter::try_new(&mut bytes, &schema).unwrap();
        for values in batches {
            let column: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
            writer
                .write(&RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap())
                .unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        bytes
    }

    #[test]
    fn a_frame_is_a_batch_with_metadata() {
        let frame = Frame::decode(&file(&[&[1.5, 2.0]])).unwrap();
        assert_eq!(frame.batch.num_rows(), 2);
        assert_eq!(frame.metadata()["name"], "day");
        assert_eq!(frame.meta()["type"], "table");
        expect_test::expect![[r#"
            +------+
            | _avg |
            +------+
            | 1.5  |
            | 2.0  |
            +------+"#]]
        .assert_eq(&frame.table().unwrap());
    }

    #[test]
    fn batches_are_joined_and_none_are_a_frame_without_rows() {
        let [joined, empty] = &decode_all(&[file(&[&[1.0], &[2.0]]), file(&[])]).unwrap()[..]
        else {
            panic!("two files are two frames");
        };
        assert_eq!((joined.batch.num_rows(), empty.batch.num_rows()), (2, 0));
        assert_eq!(empty.batch.num_columns(), 1);
    }

    #[test]
    fn what_is_no_arrow_file_is_an_error() {
        assert!(Frame::decode(b"[]").is_err());
    }
}
