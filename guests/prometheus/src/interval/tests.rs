use graft_guest::TimeRange;

use super::*;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The timing of a query over this many seconds with these many points, in milliseconds: step and
/// rate interval.
fn timing(model: &str, settings: &str, range: u64, points: u32) -> Result<(u128, u128), Refusal> {
    let model: Model = serde_json::from_str(model).unwrap();
    let to = i64::try_from(range).unwrap() * 1_000_000_000;
    let query = Query {
        ref_id: "A".to_owned(),
        query_type: String::new(),
        interval: Duration::from_millis(u64::try_from(model.interval_ms).unwrap().max(1)),
        model,
        time_range: TimeRange { from: 0, to },
        max_data_points: points,
        from_alert: false,
    };
    let datasource = Configured {
        uid: String::new(),
        name: String::new(),
        url: String::new(),
        settings: serde_json::from_str(settings).unwrap(),
        secrets: Vec::new(),
    };
    let timing = Timing::of(&query, &datasource)?;
    Ok((timing.step.as_millis(), timing.rate_interval.as_millis()))
}

#[test]
fn steps_are_those_of_grafana() {
    let cases = [
        // The scrape interval is the least, the panel's width decides, and it is rounded.
        ("{}", "{}", HOUR, 1_000, 15_000),
        ("{}", "{}", 12 * HOUR, 1_000, 30_000),
        ("{}", "{}", 48 * HOUR, 1_000, 120_000),
        ("{}", r#"{"timeInterval":"2m"}"#, HOUR, 1_000, 120_000),
        // Grafana's suggestion stands before the scrape interval.
        (r#"{"intervalMs":5000}"#, "{}", HOUR, 1_000, 5_000),
        (r#"{"intervalMs":5000}"#, r#"{"timeInterval":"1m"}"#, HOUR, 1_000, 5_000),
        // The user's min step stands before both, and is not rounded.
        (r#"{"interval":"1m30s","intervalMs":5000}"#, "{}", HOUR, 1_000, 90_000),
        (r#"{"interval":"10"}"#, "{}", HOUR, 1_000, 10_000),
        (r#"{"interval":10}"#, "{}", HOUR, 1_000, 10_000),
        (r#"{"interval":"5s"}"#, "{}", 48 * HOUR, 1_000, 120_000),
        (r#"{"interval":"0s"}"#, "{}", HOUR, 1_000, 15_000),
        (r#"{"interval":"$__interval","intervalMs":7000}"#, "{}", HOUR, 1_000, 7_000),
        (r#"{"interval":"${__interval_ms}","intervalMs":7000}"#, "{}", HOUR, 1_000, 7_000),
        // Not more than 11,000 points, whatever anybody wants.
        (r#"{"interval":"1s"}"#, "{}", 7 * DAY, 100_000, 60_000),
        (r#"{"interval":"1ms","intervalFactor":0}"#, "{}", HOUR, 100_000, 200),
        // The factor of old dashboards comes last.
        (r#"{"intervalFactor":2}"#, "{}", HOUR, 1_000, 30_000),
        (r#"{"intervalFactor":-2}"#, "{}", HOUR, 1_000, 15_000),
        // A range of no length is legal.
        (r#"{"interval":"1ms"}"#, "{}", 0, 1_000, 1),
    ];
    for (model, settings, range, points, step) in cases {
        let found = timing(model, settings, range, points).map(|(step, _rate)| step);
        assert_eq!(found, Ok(step), "{model} {settings} {range} {points}");
    }
}

#[test]
fn rate_intervals_are_those_of_grafana() {
    let cases = [
        // Four scrapes at least.
        (r#"{"intervalMs":15000}"#, "{}", 60_000),
        (r#"{"intervalMs":15000}"#, r#"{"timeInterval":"30s"}"#, 120_000),
        // One interval and one scrape where that is longer.
        (r#"{"intervalMs":120000}"#, "{}", 135_000),
        (r#"{"intervalMs":120000}"#, r#"{"timeInterval":"30s"}"#, 150_000),
        // A min step stands in for the scrape interval.
        (r#"{"intervalMs":15000,"interval":"1m"}"#, "{}", 240_000),
        (r#"{"intervalMs":15000,"interval":"$__interval"}"#, "{}", 60_000),
    ];
    for (model, settings, rate_interval) in cases {
        let found = timing(model, settings, HOUR, 1_000).map(|(_step, rate)| rate);
        assert_eq!(found, Ok(rate_interval), "{model} {settings}");
    }
}

#[test]
fn a_min_step_of_the_rate_interval_is_the_step_and_the_rate_interval() {
    for interval in ["$__rate_interval", "${__rate_interval}"] {
        let model = format!(r#"{{"interval":"{interval}","intervalMs":15000,"intervalFactor":3}}"#);
        assert_eq!(timing(&model, "{}", HOUR, 1_000), Ok((60_000, 60_000)));
        assert_eq!(timing(&model, "{}", 48 * HOUR, 1_000), Ok((135_000, 135_000)));
    }
}

#[test]
fn what_is_no_duration_is_refused_with_its_name() {
    let refusal = timing(r#"{"interval":"auto"}"#, "{}", HOUR, 1_000);
    assert!(matches!(refusal, Err(Refusal::BadQuery(text)) if text.contains("\"auto\"")));
    let refusal = timing("{}", r#"{"timeInterval":"auto"}"#, HOUR, 1_000);
    assert!(matches!(refusal, Err(Refusal::BadSettings(text)) if text.contains("`timeInterval`")));
}

#[test]
fn intervals_are_rounded_to_what_reads_well() {
    let cases = [
        (0, 1),
        (10, 1),
        (11, 10),
        (16, 20),
        (1_500, 1_000),
        (1_501, 2_000),
        (18_000, 20_000),
        (25_001, 30_000),
        (86_400_000, 43_200_000),
        (86_400_001, 86_400_000),
        (604_800_001, 604_800_000),
        (1_814_400_001, 2_592_000_000),
        (3_628_799_999, 2_592_000_000),
        (3_628_800_000, 31_536_000_000),
    ];
    for (interval, rounded) in cases {
        let found = round(Duration::from_millis(interval));
        assert_eq!(found, Duration::from_millis(rounded), "{interval}");
    }
}

#[test]
fn times_are_aligned_down_to_the_step_on_the_users_clock() {
    const SECOND: i64 = 1_000_000_000;
    let cases = [
        (1_700_000_014, 15, 0, 1_700_000_010),
        (1_700_000_010, 15, 0, 1_700_000_010),
        // A day begins an hour before UTC's where the clock is an hour ahead.
        (1_700_000_000, 86_400, 3_600, 1_699_916_400),
        (1_700_000_000, 86_400, -18_000, 1_699_938_000),
        (-1, 15, 0, -15),
    ];
    for (time, step, offset, expected) in cases {
        let found = align(time * SECOND, Duration::from_secs(step), offset);
        assert_eq!(found, i128::from(expected * SECOND), "{time} {step} {offset}");
    }
}
