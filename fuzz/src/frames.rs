//! Frames as guests may return them, well made or not.

mod made;

use arbitrary::Unstructured;
use arrow::ipc::reader::FileReader;
use bytes::Bytes;
use graft_host::frame::{CompleteFrames, Frames};
use graft_host::limits::Limits;
use graft_host::model::{Format, Frame};
use serde::de::IgnoredAny;

/// Collects, completes and encodes frames that are made of these bytes, in two rounds.
pub fn frames(data: &[u8]) {
    encoded(data);
}

/// Returns how many frames came through all checks.
fn encoded(data: &[u8]) -> usize {
    let mut count = 0;
    let mut bytes = Unstructured::new(data);
    // Too few bytes are no error: what is missing is nothing.
    let rounds: [Vec<Frame>; 2] = [(); 2].map(|()| made::frames(&mut bytes).unwrap_or_default());
    for format in [Format::Arrow, Format::Json] {
        for for_alert in [false, true] {
            let Some(complete) = collected(&rounds) else { return count };
            // What it says about alerts does not change what is encoded.
            let readiness = complete.alert_readiness();
            let complete = match (for_alert, complete) {
                (false, complete) => complete,
                (true, complete) => match complete.for_alert() {
                    Ok(complete) => complete,
                    Err(error) => {
                        assert!(!readiness.ready, "{error}");
                        continue;
                    }
                },
            };
            let encoded = match complete.encode("A", format) {
                Ok(encoded) => encoded,
                Err(error) => panic!("checked frames cannot be encoded: {error}"),
            };
            count += encoded.len();
            for frame in encoded {
                match format {
                    Format::Arrow => check_arrow(frame),
                    Format::Json => check_json(&frame),
                }
            }
        }
    }
    count
}

/// The frames of all rounds, if nothing is wrong with them.
fn collected(rounds: &[Vec<Frame>]) -> Option<CompleteFrames> {
    let limits = Limits { frames: 6, rows: 1_000, column_bytes: 1 << 16, ..Limits::default() };
    let mut frames = Frames::new(&limits);
    for round in rounds {
        if let Err(error) = frames.add(round.clone()) {
            assert!(!error.user_message("g").is_empty());
            return None;
        }
    }
    frames.complete().ok()
}

fn check_arrow(frame: Bytes) {
    let reader = match FileReader::try_new(std::io::Cursor::new(frame), None) {
        Ok(reader) => reader,
        Err(error) => panic!("what was encoded is no Arrow file: {error}"),
    };
    for batch in reader {
        match batch {
            // Decoding alone does not look at texts and offsets; this does.
            Ok(batch) => batch.columns().iter().for_each(|column| {
                if let Err(error) = column.to_data().validate_full() {
                    panic!("a column is not valid: {error}");
                }
            }),
            Err(error) => panic!("a batch cannot be read: {error}"),
        }
    }
}

fn check_json(frame: &[u8]) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(frame) {
        panic!("{error} in {}", String::from_utf8_lossy(frame));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_inputs_make_frames_that_come_through() {
        let input = |number: u32| -> Vec<u8> {
            let mut state = number.wrapping_mul(2_654_435_761) | 1;
            let byte = |_index| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            };
            (0..400).map(byte).collect()
        };
        let through = (0..200).filter(|number| encoded(&input(*number)) > 0).count();
        assert!(through > 20, "only {through} of 200");
    }
}
