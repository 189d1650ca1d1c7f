//! How large what crosses the boundary is, as it is measured: only what can be large counts.

use crate::model::{Body, Fetch, Field, Outcome, Reply, Request, Response, Verdict};

/// What guests are given of responses, but for header fields, which are few.
pub(super) fn size_of_bodies(responses: &[Response]) -> usize {
    responses.iter().map(|response| response.body.len()).sum()
}

/// What an export returns, as it is measured.
pub(super) trait Returns {
    /// The part that can be large, bytes: columns, bodies, state, texts.
    fn size(&self) -> usize;
}

impl Returns for Fetch {
    fn size(&self) -> usize {
        let body = |body: &Body| match body {
            Body::Bytes(bytes) => bytes.len(),
            Body::Text(text) | Body::Json(text) => text.len(),
            Body::Form(fields) => fields.iter().map(|(name, value)| name.len() + value.len()).sum(),
        };
        let request = |request: &Request| {
            let parameters =
                request.parameters.iter().map(|(name, value)| name.len() + value.len());
            request.target.len() + parameters.sum::<usize>() + request.body.as_ref().map_or(0, body)
        };
        self.state.len() + self.requests.iter().map(request).sum::<usize>()
    }
}

impl Returns for Outcome {
    fn size(&self) -> usize {
        let columns = self.frames.iter().flat_map(|frame| &frame.fields).map(Field::size);
        columns.sum::<usize>() + self.next.as_ref().map_or(0, Fetch::size)
    }
}

impl Returns for Verdict {
    fn size(&self) -> usize {
        match self {
            Self::Done(diagnosis) => {
                diagnosis.message.len() + diagnosis.details.as_ref().map_or(0, String::len)
            }
            Self::Next(fetch) => fetch.size(),
        }
    }
}

impl Returns for Reply {
    fn size(&self) -> usize {
        match self {
            Self::Done(response) => response.body.len(),
            Self::Next(fetch) => fetch.size(),
        }
    }
}

impl Returns for Option<Fetch> {
    fn size(&self) -> usize {
        self.as_ref().map_or(0, Fetch::size)
    }
}

/// A migrated query.
impl Returns for String {
    fn size(&self) -> usize {
        self.len()
    }
}
