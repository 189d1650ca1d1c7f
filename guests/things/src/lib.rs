//! The things API: tables of values over time, one series for each field. The example of a guest.

use graft_guest::*;
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// The guest.
pub struct Things;

/// What a data source is set to.
#[derive(Deserialize)]
pub struct Settings {
    thing: String,
}

/// What a user asks for.
#[derive(Deserialize)]
pub struct Model {
    table: String,
    fields: Vec<String>,
    #[serde(default)]
    indexes: Vec<String>,
}

#[derive(Deserialize)]
struct Series {
    name: String,
    values: Numbers,
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
        let (model, range, thing) = (&query.model, query.time_range, &datasource.settings.thing);
        Ok(Request::get(path!["api", "things", thing, "db", &model.table, "frames"])
            .parameter("from", time::to_seconds(range.from))
            .parameter("to", time::to_seconds(range.to))
            .parameter("fields", "_time")
            .parameters("fields", model.fields.iter().filter(|field| *field != "_time"))
            .parameters("indexes", &model.indexes)
            .parameter("meta", true)
            .into())
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
                let gap = || Refusal::UnexpectedResponse("The API left a gap in '_time'.".into());
                let seconds = values.complete().ok_or_else(gap)?.into_iter();
                Field::time(name, seconds.map(time::from_seconds).collect())
            } else {
                let title = format!("{}: {}", meta.group_txt, meta.txt);
                Field::new(name, values).display_name(title.trim_matches([':', ' ']))
            });
        }
        Ok(frame.into())
    }
}

export!(Things);
