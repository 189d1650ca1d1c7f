//! The things API: tables of values over time, one list for each field. The example of a vendor's guest.

use graft_guest::*;
use serde::Deserialize;

struct Things;

#[derive(Deserialize)]
struct Settings {
    thing: String,
}

#[derive(Deserialize)]
struct Model {
    table: String,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    indexes: Vec<String>,
}

#[derive(Deserialize)]
struct Series {
    name: String,
    values: Vec<Option<f64>>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    group_txt: String,
    txt: String,
}

impl Datasource for Things {
    type Settings = Settings;
    type Query = Model;

    fn describe() -> Description {
        Description::new("things", "Things", env!("CARGO_PKG_VERSION"))
            .vendor("Graft")
            .query_schema(include_str!("../query.schema.json"))
            .settings_schema(include_str!("../settings.schema.json"))
            .capabilities(&[Capability::Metrics, Capability::Alerting])
    }

    fn build_requests(
        query: &Query<Model>,
        datasource: &Configured<Settings>,
    ) -> Result<Fetch, Refusal> {
        let (thing, table) = (&datasource.settings.thing, &query.model.table);
        let fields = query.model.fields.iter().filter(|field| *field != "_time");
        Ok(
            Request::get(path!["api", "things", thing, "db", table, "frames"])
                .parameter("from", time::to_seconds(query.time_range.from))
                .parameter("to", time::to_seconds(query.time_range.to))
                .parameter("fields", "_time")
                .parameters("fields", fields)
                .parameters("indexes", &query.model.indexes)
                .parameter("meta", true)
                .into(),
        )
    }

    fn transform(
        query: &Query<Model>,
        _: &Configured<Settings>,
        responses: Responses,
        _: &str,
    ) -> Result<Outcome, Refusal> {
        let mut frame = Frame::new(Kind::TimeseriesWide).name(&query.model.table);
        for Series { name, values, meta } in responses.single()?.json::<Vec<Series>>()? {
            frame = frame.field(if name == "_time" {
                Field::time(
                    name,
                    values
                        .into_iter()
                        .flatten()
                        .map(time::from_seconds)
                        .collect(),
                )
            } else {
                let title = format!("{}: {}", meta.group_txt, meta.txt);
                Field::new(name, values).display_name(title)
            });
        }
        Ok(frame.into())
    }
}

export!(Things);
