//! A frame as an Arrow IPC file (contract section 3.2): version 5, uncompressed, one record batch, or none where there are
//! no rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{Field, Metadata, Schema};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::record_batch::RecordBatch;

use super::pages::{CheckedField, CheckedFrame};

/// What Grafana's reader needs. Arrow itself would pad to 64 bytes, which is a lot for a frame of ten rows.
const ALIGNMENT: usize = 8;

/// Encodes a frame. The columns are copied once, into a buffer that has the room for them.
pub(super) fn encode(mut frame: CheckedFrame, ref_id: &str) -> Result<Vec<u8>, ArrowError> {
    let schema = Arc::new(schema(&frame, ref_id));
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &schema, options)?;
    if frame.rows > 0 {
        let columns = frame.fields.iter_mut().map(CheckedField::take_column);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let room = room(&columns, writer.get_ref().len())?;
        writer.get_mut().reserve_exact(room);
        writer.write(&RecordBatch::try_new(schema, columns)?)?;
    }
    writer.into_inner()
}

fn schema(frame: &CheckedFrame, ref_id: &str) -> Schema {
    let fields: Vec<Field> = frame.fields.iter().map(arrow_field).collect();
    let mut metadata = Metadata::new().with("name", &frame.name).with("refId", ref_id);
    if let Some(meta) = &frame.meta {
        metadata.insert("meta", meta.json());
    }
    Schema::new_with_metadata(fields, metadata)
}

fn arrow_field(field: &CheckedField) -> Field {
    let values = field.field_type.values;
    let mut metadata = Metadata::new().with("tstype", values.browser_name());
    for (key, json) in [("labels", &field.labels), ("config", &field.config)] {
        if let Some(json) = json {
            metadata.insert(key, json);
        }
    }
    Field::new(&field.name, values.arrow_type(), field.field_type.nullable).with_metadata(metadata)
}

/// What is still to be written, bytes: the columns, the batch's header and the footer, which repeats the schema. Slightly
/// too much is as good as exact; too little would move all columns once more.
fn room(columns: &[ArrayRef], schema_bytes: usize) -> Result<usize, ArrowError> {
    /// Three buffers, their descriptions and padding.
    const COLUMN_BYTES: usize = 96;
    /// All else of the header and the footer.
    const FILE_BYTES: usize = 1024;
    let body = columns.iter().map(|column| column.to_data().get_slice_memory_size());
    let body = body.sum::<Result<usize, _>>()?;
    Ok(body + columns.len() * COLUMN_BYTES + schema_bytes + FILE_BYTES)
}
