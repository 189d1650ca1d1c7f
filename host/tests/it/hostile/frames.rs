//! Frames that are not whole name the field, and no neighbour suffers.

use super::{Hostile, VENDOR};

impl Hostile {
    /// The guest's first frame is malformed in this way.
    async fn returns_a_malformed_frame(&self, flaw: &str) {
        let blamed = format!("{} returned a malformed frame: frame 0{flaw}", self.id());
        self.fails(500, "plugin", &[&blamed, VENDOR]).await;
    }
}

#[tokio::test]
pub(super) async fn columns_are_ragged() {
    let hostile = Hostile::start("columns_are_ragged").await;
    let flaw = ", field 1 ('longer') has 2 values, but the frame's first field has 1";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn text_offsets_point_outside() {
    let hostile = Hostile::start("text_offsets_point_outside").await;
    let flaw = ", field 0 has text offsets that end at 99, but 3 bytes of text";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn text_offsets_descend() {
    let hostile = Hostile::start("text_offsets_descend").await;
    let flaw = ", field 0 has a text in row 1 that ends before it starts, at byte 1";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn text_offsets_are_negative() {
    let hostile = Hostile::start("text_offsets_are_negative").await;
    let flaw = ", field 0 has text offsets that start at -1; they must start at 0";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn text_is_not_utf8() {
    let hostile = Hostile::start("text_is_not_utf8").await;
    hostile.returns_a_malformed_frame(", field 0 has a text in row 0 that is not UTF-8").await;
}

#[tokio::test]
pub(super) async fn text_is_cut_within_a_character() {
    let hostile = Hostile::start("text_is_cut_within_a_character").await;
    hostile.returns_a_malformed_frame(", field 0 has a text in row 0 that is not UTF-8").await;
}

#[tokio::test]
pub(super) async fn json_is_none() {
    let hostile = Hostile::start("json_is_none").await;
    let flaw = ", field 0 has in row 0 what is not a JSON document: key must be a string";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn json_nests_without_end() {
    let hostile = Hostile::start("json_nests_without_end").await;
    let flaw = ", field 0 has in row 0 what is not a JSON document: nested deeper than 128 levels";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn config_is_not_json() {
    let hostile = Hostile::start("config_is_not_json").await;
    let flaw = ", field 0 has a 'custom' that is not a JSON object: key must be a string";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn meta_is_not_json() {
    let hostile = Hostile::start("meta_is_not_json").await;
    let flaw = " has a 'custom' that is not a JSON object: it does not start with '{'";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn validity_is_too_short() {
    let hostile = Hostile::start("validity_is_too_short").await;
    let flaw = ", field 0 has 9 values, but a validity bitmap of 1 bytes; one bit each is needed";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn booleans_are_too_few() {
    let hostile = Hostile::start("booleans_are_too_few").await;
    let flaw = ", field 0 has 9 booleans, but 1 bytes of them; one bit each is needed";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn enum_value_has_no_text() {
    let hostile = Hostile::start("enum_value_has_no_text").await;
    let flaw = ", field 0 has the enum value 7 in row 0, but 0 enum texts";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn label_is_there_twice() {
    let hostile = Hostile::start("label_is_there_twice").await;
    hostile.returns_a_malformed_frame(", field 0 has the label 'place' twice").await;
}

#[tokio::test]
pub(super) async fn row_ids_are_of_no_field() {
    let hostile = Hostile::start("row_ids_are_of_no_field").await;
    let flaw = " has 1 fields, but 'unique-row-id-fields' names field 99";
    hostile.returns_a_malformed_frame(flaw).await;
}

#[tokio::test]
pub(super) async fn pages_differ() {
    let hostile = Hostile::start("pages_differ").await;
    let blamed = format!("{} returned a malformed frame: frame 1", hostile.id());
    let flaw = "has 0 fields, but the first page of its key has 1";
    hostile.fails(500, "plugin", &[&blamed, flaw, VENDOR]).await;
}
