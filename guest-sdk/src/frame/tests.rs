use crate::*;

#[test]
fn a_frame_says_of_its_fields_what_was_said_of_it() {
    let value = Field::new("value", vec![Some(1.5), None])
        .labels([("host", "a"), ("job", "b")])
        .display_name("a: b")
        .unit("percent")
        .thresholds(&[(None, "green"), (Some(80.0), "red")]);
    let frame = Frame::new(Kind::TimeseriesWide)
        .name("cpu")
        .field(Field::time("time", vec![1, 2]))
        .field(value)
        .notice(Severity::Warning, "sampled");

    assert_eq!(frame.meta[0], FrameMeta::Kind(Kind::TimeseriesWide));
    let notice = Notice { severity: Severity::Warning, text: "sampled".to_owned(), link: None };
    assert_eq!(frame.meta[1], FrameMeta::Notice(notice));
    let [time, value] = frame.fields.as_slice() else { panic!("{frame:?}") };
    assert_eq!((&time.values, &time.validity), (&Column::Time(vec![1, 2]), &None));
    assert_eq!(value.values, Column::Float64(vec![1.5, 0.0]));
    assert_eq!(value.validity, Some(vec![0b01]));
    let labels: Vec<_> =
        value.labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect();
    assert_eq!(labels, [("host", "a"), ("job", "b")]);
    assert_eq!(value.config[0], FieldConfig::DisplayNameFromDs("a: b".to_owned()));
    let FieldConfig::Thresholds(thresholds) = &value.config[2] else { panic!("{value:?}") };
    assert_eq!(thresholds.steps[1], Threshold { value: Some(80.0), color: "red".to_owned() });
}

#[test]
fn missing_points_in_time_keep_their_row() {
    let field = Field::nullable_time("end", vec![None, Some(5)]);
    assert_eq!(field.values, Column::Time(vec![0, 5]));
    assert_eq!(field.validity, Some(vec![0b10]));
}

#[test]
fn an_outcome_can_ask_for_another_round() {
    let frame = Frame::untyped().page_key("rows");
    let outcome = Outcome::from(frame).then(Request::get("/next").tolerate_failure());
    assert_eq!(outcome.frames[0].page_key.as_deref(), Some("rows"));
    let next = outcome.next.unwrap();
    assert!(next.requests[0].hints.tolerate_failure && next.requests[0].hints.idempotent);
}
