//! Frames that are not what their kinds promise, and frames that are.

use expect_test::{Expect, expect};

use crate::frame::tests::{field, frame, nullable, page, texts};
use crate::frame::{Error, Frames};
use crate::limits::Limits;
use crate::model::{Column, Field, Frame, FrameMeta, Kind, Source};

fn kind(kind: Kind, fields: Vec<Field>) -> Frame {
    Frame { meta: vec![FrameMeta::Kind(kind)], ..frame("", fields) }
}

fn time(times: &[i64]) -> Field {
    field("time", Column::Time(times.to_vec()))
}

fn number(values: &[f64]) -> Field {
    field("value", Column::Float64(values.to_vec()))
}

fn text(name: &str, values: &[&str]) -> Field {
    field(name, Column::String(texts(values.iter().copied())))
}

fn labelled(host: &str, field: Field) -> Field {
    Field { labels: vec![("host".into(), host.into())], ..field }
}

fn checked(frames: Vec<Frame>) -> Result<(), Error> {
    let mut all = Frames::new(&Limits::default());
    all.add(frames).unwrap();
    all.complete().map(|_| ())
}

#[track_caller]
fn fits(frames: Vec<Frame>) {
    assert_eq!(checked(frames), Ok(()));
}

#[track_caller]
fn breach(frames: Vec<Frame>, expected: &Expect) {
    let error = checked(frames).unwrap_err();
    assert_eq!((error.status(), error.source_of_error()), (500, Source::Plugin));
    let message = error.user_message("g 1");
    let message = message.strip_prefix("Guest 'g 1' returned a malformed frame: ").unwrap();
    let message = message.strip_suffix(". The guest's vendor has to mend that.").unwrap();
    expected.assert_eq(message);
}

#[test]
fn a_frame_without_a_kind_may_be_anything() {
    fits(vec![frame("", vec![time(&[2, 1]), text("a", &["", ""])]), frame("", Vec::new())]);
    fits(vec![kind(Kind::Table, vec![time(&[2, 1])]), kind(Kind::HeatmapCells, Vec::new())]);
}

#[test]
fn times_ascend_and_are_unique_but_in_long_frames() {
    for of in [Kind::TimeseriesWide, Kind::TimeseriesMulti, Kind::TimeseriesLong] {
        fits(vec![kind(of, vec![time(&[1, 2, 3]), number(&[0.0; 3])])]);
        fits(vec![kind(of, vec![time(&[]), number(&[])])]);
        fits(vec![kind(of, vec![time(&[i64::MIN]), number(&[0.0])])]);
    }
    fits(vec![kind(Kind::TimeseriesLong, vec![time(&[1, 1, 3]), number(&[0.0; 3])])]);
    breach(
        vec![kind(Kind::TimeseriesLong, vec![time(&[1, 1, 0]), number(&[0.0; 3])])],
        &expect![
            "frame 0, field 0 ('time') does not fit the kind 'timeseries-long': its time in row 2 is before that of the row above, and rows must be in ascending order of time"
        ],
    );
    breach(
        vec![kind(Kind::TimeseriesMulti, vec![number(&[0.0; 3]), time(&[5, 4, 3])])],
        &expect![
            "frame 0, field 1 ('time') does not fit the kind 'timeseries-multi': its time in row 1 is before that of the row above, and rows must be in ascending order of time"
        ],
    );
    breach(
        vec![kind(Kind::TimeseriesWide, vec![time(&[1, 2, 2, 1]), number(&[0.0; 4])])],
        &expect![
            "frame 0, field 0 ('time') does not fit the kind 'timeseries-wide': its time in row 2 is also that of the row above, and each point in time may be there once"
        ],
    );
}

#[test]
fn times_are_compared_over_the_seams_of_pages() {
    let paged = |pages: &[&[i64]]| {
        let mut frames: Vec<Frame> = Vec::new();
        for times in pages {
            let fields = vec![time(times), number(&vec![0.0; times.len()])];
            let meta = vec![FrameMeta::Kind(Kind::TimeseriesWide)];
            frames.push(Frame { meta, ..page("k", fields) });
        }
        frames
    };
    fits(paged(&[&[1, 2], &[], &[3], &[], &[4, 5]]));
    breach(
        paged(&[&[1, 2], &[], &[2, 3]]),
        &expect![
            "frame 0, field 0 ('time') does not fit the kind 'timeseries-wide': its time in row 2 is also that of the row above, and each point in time may be there once"
        ],
    );
    breach(
        paged(&[&[1, 2], &[3, 4, 0]]),
        &expect![
            "frame 0, field 0 ('time') does not fit the kind 'timeseries-wide': its time in row 4 is before that of the row above, and rows must be in ascending order of time"
        ],
    );
}

#[test]
fn the_first_time_field_that_is_not_nullable_is_the_index_and_other_fields_are_remainder() {
    let fields = vec![
        nullable(field("ended", Column::Time(vec![9, 8])), &[0b01]),
        text("note", &["a", "b"]),
        time(&[1, 2]),
        field("seen", Column::Time(vec![9, 8])),
        field("up", Column::Bool { length: 2, bytes: vec![1] }),
    ];
    fits(vec![kind(Kind::TimeseriesWide, fields.clone()), frame("", fields.clone())]);
    let without = |gone: usize| {
        let mut fields = fields.clone();
        fields.remove(gone);
        fields
    };
    breach(
        vec![kind(Kind::TimeseriesWide, without(2))],
        &expect![
            "frame 0, field 2 ('seen') does not fit the kind 'timeseries-wide': its time in row 1 is before that of the row above, and rows must be in ascending order of time"
        ],
    );
    breach(
        vec![kind(Kind::TimeseriesMulti, without(4))],
        &expect![
            "frame 0 does not fit the kind 'timeseries-multi': it has no field of numbers or booleans, and its values must be in one"
        ],
    );
    breach(
        vec![kind(Kind::TimeseriesMulti, vec![fields[0].clone(), number(&[0.0; 2])])],
        &expect![
            "frame 0 does not fit the kind 'timeseries-multi': it has no time field, or only such as are nullable, and the points in time must be in one that is not"
        ],
    );
}

#[test]
fn series_differ_in_name_or_labels() {
    let wide =
        |second: Field| vec![kind(Kind::TimeseriesWide, vec![time(&[1]), number(&[1.0]), second])];
    fits(wide(labelled("a", number(&[2.0]))));
    fits(wide(field("other", Column::Int8(vec![2]))));
    fits(wide(text("value", &["remainder"])));
    breach(
        wide(field("value", Column::Int8(vec![2]))),
        &expect![
            "frame 0, field 2 ('value') does not fit the kind 'timeseries-wide': it has the name and the labels of field 1 of frame 0, and series must differ in one or the other"
        ],
    );

    let multi = |host: &str| {
        kind(
            Kind::TimeseriesMulti,
            vec![time(&[1]), labelled(host, number(&[2.0])), number(&[0.0])],
        )
    };
    fits(vec![multi("a"), multi("b")]);
    breach(
        vec![multi("a"), multi("b"), multi("a")],
        &expect![
            "frame 2, field 1 ('value') does not fit the kind 'timeseries-multi': it has the name and the labels of field 1 of frame 0, and series must differ in one or the other"
        ],
    );
}

#[test]
fn values_of_a_long_frame_differ_in_name() {
    let long = |name: &str| {
        let second = labelled("b", field(name, Column::Int8(vec![1])));
        vec![kind(Kind::TimeseriesLong, vec![time(&[1]), number(&[1.0]), second])]
    };
    fits(long("other"));
    breach(
        long("value"),
        &expect![
            "frame 0, field 2 ('value') does not fit the kind 'timeseries-long': it has the name of field 1, and the labels of fields do not tell values apart in a frame of that kind"
        ],
    );
}

#[test]
fn kinds_that_put_all_into_one_frame_have_one() {
    let wide = || kind(Kind::TimeseriesWide, vec![time(&[1]), number(&[1.0])]);
    let numbers = || kind(Kind::NumericWide, vec![number(&[1.0])]);
    fits(vec![wide(), numbers(), frame("", vec![time(&[1])])]);
    breach(
        vec![numbers(), wide(), wide()],
        &expect![
            "frame 2 does not fit the kind 'timeseries-wide': frame 1 is of that kind already, and a query may return one: put all into that frame (pages of one frame have the same page key), or return a frame for each series, of the kind that ends in '-multi'"
        ],
    );
}

#[test]
fn no_data_is_not_said_beside_data() {
    let data = || kind(Kind::TimeseriesMulti, vec![time(&[1]), number(&[1.0])]);
    let none = |of| Frame { name: "none".into(), ..kind(of, Vec::new()) };
    fits(vec![none(Kind::TimeseriesMulti)]);
    fits(vec![none(Kind::TimeseriesWide), none(Kind::TimeseriesWide)]);
    fits(vec![none(Kind::LogLines), data(), frame("", Vec::new())]);
    for frames in [vec![data(), none(Kind::TimeseriesMulti)], vec![data(), none(Kind::NumericWide)]]
    {
        let error = checked(frames).unwrap_err().user_message("g 1");
        assert!(
            error.contains("frame 1 ('none') has no fields, which says that there is no data, but frame 0 has some"),
            "{error}"
        );
    }
    breach(
        vec![none(Kind::TimeseriesMulti), data()],
        &expect![
            "frame 1 does not fit the kind 'timeseries-multi': frame 0 ('none') has no fields, which says that there is no data, but frame 1 has some: leave one of them out"
        ],
    );
}

#[test]
fn numbers_have_one_row_unless_text_tells_the_rows_apart() {
    for of in [Kind::NumericWide, Kind::NumericMulti] {
        fits(vec![kind(of, vec![number(&[])])]);
        fits(vec![kind(of, vec![time(&[1]), number(&[1.0]), text("host", &["a"])])]);
    }
    fits(vec![kind(Kind::NumericLong, vec![number(&[1.0])])]);
    fits(vec![kind(Kind::NumericLong, vec![number(&[1.0, 2.0]), text("host", &["a", "b"])])]);
    breach(
        vec![kind(Kind::NumericMulti, vec![number(&[1.0, 2.0])])],
        &expect![
            "frame 0 does not fit the kind 'numeric-multi': it has 2 rows, and may have one at most"
        ],
    );
    breach(
        vec![kind(Kind::NumericLong, vec![number(&[1.0, 2.0])])],
        &expect![
            "frame 0 does not fit the kind 'numeric-long': it has 2 rows, and needs a field of text that tells them apart"
        ],
    );
    breach(
        vec![kind(Kind::NumericWide, vec![time(&[1])])],
        &expect![
            "frame 0 does not fit the kind 'numeric-wide': it has no field of numbers or booleans, and its values must be in one"
        ],
    );
}

#[test]
fn log_lines_are_found_by_name_and_type() {
    let logs = |fields: Vec<Field>| vec![kind(Kind::LogLines, fields)];
    let timestamp = || field("timestamp", Column::Time(vec![2]));
    let labels = |name: &str| field(name, Column::Json(texts(["{}"])));
    let severity = || nullable(text("severity", &["info"]), &[0]);
    fits(logs(vec![
        text("body", &["a"]),
        timestamp(),
        severity(),
        labels("labels"),
        number(&[1.0]),
    ]));
    fits(logs(vec![timestamp(), text("body", &["a"]), text("labels", &["a"]), labels("labels")]));
    breach(
        logs(vec![time(&[1]), text("body", &["a"])]),
        &expect![
            "frame 0 does not fit the kind 'log-lines': it needs a field 'timestamp' of type time"
        ],
    );
    breach(
        logs(vec![timestamp(), nullable(text("body", &["a"]), &[1])]),
        &expect![
            "frame 0, field 1 ('body') does not fit the kind 'log-lines': it is of type nullable string, and a field of that name must be of type string, not nullable"
        ],
    );
    breach(
        logs(vec![timestamp(), text("body", &["a"]), text("labels", &["{}"])]),
        &expect![
            "frame 0, field 2 ('labels') does not fit the kind 'log-lines': it is of type string, and a field of that name must be of type json"
        ],
    );
}

#[test]
fn kinds_are_checked_over_all_rounds() {
    let mut frames = Frames::new(&Limits::default());
    let wide = || kind(Kind::TimeseriesWide, vec![time(&[1]), number(&[1.0])]);
    frames.add(vec![wide()]).unwrap();
    frames.add(vec![wide()]).unwrap();
    let error = frames.complete().unwrap_err().to_string();
    assert_eq!(error, "frame 1 is malformed");
}
