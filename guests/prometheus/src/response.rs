//! What Prometheus answered: its envelope read into series, values and notices.
//!
//! A matrix as Prometheus prints it is read by `matrix`, fast and in one pass; whatever differs
//! from that in the least is read by `document`, which accepts every JSON of the right shape.

mod document;
mod exemplar_series;
mod histogram;
mod matrix;
mod number;

#[cfg(test)]
mod tests;

use graft_guest::{Notice, Refusal, Response, Severity};

use document::{Data, Document};

pub(crate) use exemplar_series::{Exemplar, ExemplarSeries, read_exemplars};
pub(crate) use histogram::Cells;

/// The status of Prometheus' errors by their kind, for those that hide in a body of status 200.
const ERROR_STATUSES: [(&str, u16); 8] = [
    ("bad_data", 400),
    ("execution", 422),
    ("canceled", 503),
    ("timeout", 503),
    ("internal", 500),
    ("unavailable", 503),
    ("not_found", 404),
    ("not_acceptable", 406),
];

/// What one response says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// The data; none beside an error that has none.
    pub(crate) result: Option<QueryResult>,
    /// Prometheus' warnings and infos.
    pub(crate) notices: Vec<Notice>,
    /// Prometheus' own error.
    pub(crate) error: Option<ApiError>,
}

/// The data of an answer, by Prometheus' own result types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum QueryResult {
    /// Series over time.
    Matrix(Vec<Series>),
    /// Series with one sample each.
    Vector(Vec<Series>),
    /// A number without labels.
    Scalar(i64, f64),
    /// A text.
    Text(i64, String),
}

/// One series: its labels, sorted by name, and its samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    /// The labels with the metric's name, `__name__`.
    pub(crate) labels: Labels,
    /// Nanoseconds since the epoch.
    pub(crate) times: Vec<i64>,
    /// As many values as times.
    pub(crate) values: Vec<f64>,
    /// The cells of native histograms.
    pub(crate) cells: Cells,
}

/// Labels, sorted by name; no name comes twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Labels(Vec<(String, String)>);

/// An error that Prometheus reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// The HTTP status.
    status: u16,
    /// The kind and the message, as Prometheus says them.
    pub(crate) message: String,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::downstream(error.status, error.message)
    }
}

impl Labels {
    /// Sorts labels. Of labels with the same name the last holds.
    pub(crate) fn new(mut pairs: Vec<(String, String)>) -> Self {
        // The sort is stable, so the last of a name comes first once the list is turned round.
        pairs.reverse();
        pairs.sort_by(|one, other| one.0.cmp(&other.0));
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(pairs)
    }

    /// The value of a label.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let position = self.0.binary_search_by(|(label, _)| label.as_str().cmp(name)).ok()?;
        Some(&self.0[position].1)
    }

    /// The names and values, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels but one.
    pub(crate) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(label, _)| label != name).cloned().collect())
    }

    /// The names and values to keep.
    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

/// Reads the response to an instant or range query.
///
/// # Errors
/// If the response is none of Prometheus'. Prometheus' own errors are in the answer.
pub(crate) fn read(response: &Response) -> Result<Answer, Refusal> {
    if !response.is_success() {
        // A proxy's error has another shape, and the SDK knows where its message is.
        let document = response.json_of_any_status::<Document<Data>>().ok();
        let document = document.filter(Document::is_error).ok_or_else(|| response.refusal())?;
        return answer(document, response.status);
    }
    match matrix::read(&response.body) {
        Some(document) => answer(document, response.status),
        None => answer(response.json::<Document<Data>>()?, response.status),
    }
}

fn answer(document: Document<Data>, status: u16) -> Result<Answer, Refusal> {
    let error = document.api_error(status);
    let notices = document.notices();
    let result = match (document.data, &error) {
        (Some(data), _) => {
            let result = data.result.by_type(&data.result_type).map_err(unexpected)?;
            // Beside an error, no series are no data rather than an answer.
            Some(result).filter(|result| error.is_none() || !result.is_empty())
        }
        (None, Some(_)) => None,
        (None, None) => {
            let text = "The API answered without `data`, as no Prometheus does. Is the URL right?";
            return Err(unexpected(text.to_owned()));
        }
    };
    Ok(Answer { result, notices, error })
}

impl QueryResult {
    /// Prometheus' name for this type of result.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Matrix(_) => "matrix",
            Self::Vector(_) => "vector",
            Self::Scalar(..) => "scalar",
            Self::Text(..) => "string",
        }
    }

    /// Whether there is no series in it.
    fn is_empty(&self) -> bool {
        matches!(self, Self::Matrix(series) | Self::Vector(series) if series.is_empty())
    }
}

impl<R> Document<R> {
    fn is_error(&self) -> bool {
        self.status == "error"
    }

    /// The error that Prometheus reports in this document.
    fn api_error(&self, status: u16) -> Option<ApiError> {
        if !self.is_error() {
            return None;
        }
        let kind = self.error_type.as_str();
        let known = ERROR_STATUSES.iter().find(|(name, _)| *name == kind);
        let status = match known {
            Some((_, own)) if status < 400 => *own,
            _ => status,
        };
        let message = match (kind, self.error.trim()) {
            ("", "") => "Prometheus reported an error and did not say which".to_owned(),
            ("", message) => message.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, message) => format!("{kind}: {message}"),
        };
        Some(ApiError { status, message })
    }

    fn notices(&self) -> Vec<Notice> {
        let notice =
            |severity| move |text: &String| Notice { severity, text: text.clone(), link: None };
        let warnings = self.warnings.iter().map(notice(Severity::Warning));
        warnings.chain(self.infos.iter().map(notice(Severity::Info))).collect()
    }
}

fn unexpected(text: String) -> Refusal {
    Refusal::UnexpectedResponse(text)
}
