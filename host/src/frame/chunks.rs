//! Frames that leave while there are more rows of them to come (contract section 4.4).

use std::mem;

use bytes::Bytes;

use super::error::{Error, Position};
use super::pages::CheckedFrame;
use super::{Frames, ipc, json, kind};
use crate::model::{self, Format};

/// Some rows of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Tells the frame from the others of its query.
    pub frame_id: String,
    /// The first chunk of a frame is a whole frame, and as Arrow all others are; as JSON they are the rows alone.
    pub bytes: Bytes,
}

impl Chunk {
    /// A frame that comes in one piece, the `index`th of its query.
    pub fn whole(index: usize, bytes: Bytes) -> Self {
        Self { frame_id: index.to_string(), bytes }
    }

    /// A frame without fields: the query has an answer, and there is nothing in it.
    pub fn nothing(ref_id: &str, format: Format) -> Result<Self, Error> {
        let frame = CheckedFrame::check(model::Frame::default()).map_err(|misfit| {
            Error::Malformed { frame: position(0, ""), field: misfit.field, flaw: misfit.flaw }
        })?;
        Ok(Self::whole(0, encode(0, frame, true, ref_id, format)?))
    }
}

impl Frames {
    /// Encodes the rows that came since the last time, and drops them; what tells pages of a frame from others stays. Rows
    /// are checked against their frame's kind as far as they leave together.
    pub fn take_chunks(&mut self, ref_id: &str, format: Format) -> Result<Vec<Chunk>, Error> {
        let started = mem::replace(&mut self.started, self.frames.len());
        let mut parts = Vec::new();
        for (index, frame) in self.frames.iter_mut().enumerate() {
            let is_first = index >= started;
            if is_first || frame.rows > 0 {
                parts.push((index, is_first, frame.take_rows()));
            }
        }
        // What has left takes no memory any more.
        self.column_bytes = 0;
        kind::check_each(parts.iter().map(|(index, _is_first, frame)| (*index, frame)))?;
        let encode = |(index, is_first, frame): (usize, bool, CheckedFrame)| {
            Ok(Chunk::whole(index, encode(index, frame, is_first, ref_id, format)?))
        };
        parts.into_iter().map(encode).collect()
    }
}

fn encode(
    index: usize,
    frame: CheckedFrame,
    is_first: bool,
    ref_id: &str,
    format: Format,
) -> Result<Bytes, Error> {
    let position = position(index, &frame.name);
    let encoded = match format {
        Format::Arrow => ipc::encode(frame, ref_id).map_err(|error| error.to_string()),
        Format::Json if is_first => json::encode(frame, ref_id).map_err(|error| error.to_string()),
        Format::Json => json::encode_data(frame).map_err(|error| error.to_string()),
    };
    encoded.map(Bytes::from).map_err(|cause| Error::Encoding { frame: position, cause })
}

fn position(index: usize, name: &str) -> Position {
    Position { index, name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::limits::Limits;
    use crate::model::{Column, Field};

    fn page(key: Option<&str>, values: Vec<i64>) -> model::Frame {
        let field = Field {
            name: "value".to_owned(),
            labels: Vec::new(),
            config: Vec::new(),
            values: Column::Int64(values),
            validity: None,
        };
        let page_key = key.map(str::to_owned);
        model::Frame { page_key, fields: vec![field], ..model::Frame::default() }
    }

    /// Takes the chunks after each round.
    fn check(rounds: Vec<Vec<model::Frame>>, expected: &Expect) {
        let mut frames = Frames::new(&Limits::default());
        let mut shown = String::new();
        for round in rounds {
            frames.add(round).unwrap();
            for Chunk { frame_id, bytes } in frames.take_chunks("A", Format::Json).unwrap() {
                shown += &format!("{frame_id}: {}\n", String::from_utf8_lossy(&bytes));
            }
            shown += "--\n";
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn the_first_chunk_of_a_frame_has_its_schema_and_later_ones_only_rows() {
        let rounds = vec![
            vec![page(Some("rows"), vec![1, 2])],
            vec![page(Some("rows"), vec![3])],
            vec![page(Some("rows"), vec![4])],
        ];
        check(
            rounds,
            &expect![[r#"
            0: {"schema":{"refId":"A","fields":[{"name":"value","type":"number","typeInfo":{"frame":"int64"}}]},"data":{"values":[[1,2]]}}
            --
            0: {"data":{"values":[[3]]}}
            --
            0: {"data":{"values":[[4]]}}
            --
        "#]],
        );
    }

    #[test]
    fn frames_of_several_rounds_keep_apart_and_one_that_did_not_grow_is_not_sent_again() {
        let rounds = vec![
            vec![page(Some("a"), vec![1]), page(None, vec![])],
            vec![page(Some("b"), vec![2])],
            vec![page(Some("a"), vec![3]), page(Some("b"), vec![])],
        ];
        check(
            rounds,
            &expect![[r#"
            0: {"schema":{"refId":"A","fields":[{"name":"value","type":"number","typeInfo":{"frame":"int64"}}]},"data":{"values":[[1]]}}
            1: {"schema":{"refId":"A","fields":[{"name":"value","type":"number","typeInfo":{"frame":"int64"}}]},"data":{"values":[[]]}}
            --
            2: {"schema":{"refId":"A","fields":[{"name":"value","type":"number","typeInfo":{"frame":"int64"}}]},"data":{"values":[[2]]}}
            --
            0: {"data":{"values":[[3]]}}
            --
        "#]],
        );
    }

    #[test]
    fn as_arrow_each_chunk_is_a_file_by_itself() {
        let mut frames = Frames::new(&Limits::default());
        for values in [vec![1, 2], vec![3]] {
            frames.add(vec![page(Some("rows"), values)]).unwrap();
            let chunks = frames.take_chunks("A", Format::Arrow).unwrap();
            assert!(chunks[0].bytes.starts_with(b"ARROW1"), "{chunks:?}");
        }
    }

    #[test]
    fn what_has_left_counts_as_rows_but_not_as_memory() {
        let limits = Limits { rows: 5, column_bytes: 16, ..Limits::default() };
        let mut frames = Frames::new(&limits);
        for _round in 0..2 {
            frames.add(vec![page(Some("rows"), vec![1, 2])]).unwrap();
            frames.take_chunks("A", Format::Json).unwrap();
        }
        let error = frames.add(vec![page(Some("rows"), vec![1, 2])]).unwrap_err();
        assert!(matches!(error, Error::TooMuch { what: "rows", .. }), "{error:?}");
    }

    #[test]
    fn nothing_is_a_frame_without_fields() {
        let chunk = Chunk::nothing("A", Format::Json).unwrap();
        assert_eq!(chunk.bytes, r#"{"schema":{"refId":"A","fields":[]},"data":{"values":[]}}"#);
    }
}
