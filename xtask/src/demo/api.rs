//! The things API, with this machine as its one thing: `GET /api/things/<thing>/db/<table>/frames?from=…&to=…&fields=…` answers
//! with the readings between two points in time, in seconds since the epoch.

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::machine::{Reading, Readings, TABLES, Table};

/// Answers a request.
pub(super) fn answer(readings: &Readings, path: &str, query: &str) -> (StatusCode, Bytes) {
    let (status, body) = match read(readings, path, query) {
        Ok(body) => (StatusCode::OK, body),
        Err(Refused { status, message }) => (status, json!({ "message": message })),
    };
    (status, body.to_string().into())
}

/// The API's own no.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    message: String,
}

fn read(readings: &Readings, path: &str, query: &str) -> Result<Value, Refused> {
    let refuse = |status, message: String| Refused { status, message };
    if path == "/" {
        return Ok(json!({ "name": "this machine" }));
    }
    let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let ["api", "things", _thing, "db", table, "frames"] = segments.as_slice() else {
        return Err(refuse(StatusCode::NOT_FOUND, format!("There is nothing at {path}.")));
    };
    let Some(table) = TABLES.iter().find(|known| known.name == *table) else {
        return Err(refuse(StatusCode::NOT_FOUND, format!("There is no table '{table}'.")));
    };
    let (mut from, mut to, mut fields) = (f64::NEG_INFINITY, f64::INFINITY, Vec::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number = || {
            let message = format!("'{name}' is '{value}', which is no number.");
            value.parse().map_err(|_error| refuse(StatusCode::BAD_REQUEST, message))
        };
        match &*name {
            "from" => from = number()?,
            "to" => to = number()?,
            "fields" => fields.push(value.into_owned()),
            _ => {}
        }
    }
    let readings = readings.lock();
    let asked: Vec<_> =
        readings.iter().filter(|reading| (from..=to).contains(&reading.time)).collect();
    fields
        .iter()
        .map(|field| {
            let message = format!("Table '{}' has no field '{field}'.", table.name);
            series(table, field, &asked).ok_or_else(|| refuse(StatusCode::BAD_REQUEST, message))
        })
        .collect()
}

fn series(table: &Table, field: &str, readings: &[&Reading]) -> Option<Value> {
    if field == "_time" {
        let times: Vec<_> = readings.iter().map(|reading| reading.time).collect();
        return Some(json!({ "name": "_time", "values": times }));
    }
    let series = table.series.iter().find(|series| series.field == field)?;
    let values: Vec<_> = readings.iter().map(|reading| (series.value)(reading)).collect();
    let meta = json!({ "group_txt": table.title, "txt": series.title });
    Some(json!({ "name": field, "values": values, "meta": meta }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &str, query: &str) -> (u16, Value) {
        let readings = Readings::default();
        let reading = |time| Reading { time, ..Reading::default() };
        readings.lock().extend([1.0, 2.5, 4.0].map(reading));
        let (status, body) = answer(&readings, path, query);
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn a_table_answers_with_its_fields_within_the_range() {
        let query = "from=2&to=4&fields=_time&fields=busy&meta=true";
        let (status, body) = ask("/api/things/a%20b/db/cpu/frames", query);
        let expected = json!([
            { "name": "_time", "values": [2.5, 4.0] },
            { "name": "busy", "values": [0.0, 0.0], "meta": { "group_txt": "Processors", "txt": "busy, %" } },
        ]);
        assert_eq!((status, body), (200, expected));
    }

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        let message = |text: &str| json!({ "message": text });
        let frames = "/api/things/x/db/disk/frames";
        assert_eq!(ask(frames, ""), (404, message("There is no table 'disk'.")));
        let field = ask("/api/things/x/db/cpu/frames", "fields=heat");
        assert_eq!(field, (400, message("Table 'cpu' has no field 'heat'.")));
        let number = ask("/api/things/x/db/cpu/frames", "from=now");
        assert_eq!(number, (400, message("'from' is 'now', which is no number.")));
        assert_eq!(ask("/api", "").0, 404);
    }

    #[test]
    fn the_root_says_that_the_api_is_there() {
        assert_eq!(ask("/", "").0, 200);
    }
}
