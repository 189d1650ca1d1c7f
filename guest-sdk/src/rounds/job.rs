//! Queries that an API works on while nobody waits on the line: begin, ask how it is, collect.

use crate::{Fetch, Request};

/// Where a query is whose API works on it as a job.
///
/// A round that asks exactly what the last one asked is a question whether something is ready: the
/// host sends it after a pause that grows, or as long as the API's `Retry-After` says.
///
/// ```
/// # use graft_guest::*;
/// # use serde::Deserialize;
/// use graft_guest::rounds::Job;
///
/// # #[derive(Deserialize)] struct Begun { id: String }
/// # #[derive(Deserialize)] struct Progress { done: bool }
/// fn status(id: &str) -> Request {
///     Request::get(path!["jobs", id])
/// }
///
/// fn transform(responses: Responses, state: &str) -> Result<Outcome, Refusal> {
///     let response = responses.single()?;
///     Ok(match Job::of(state) {
///         Job::Begun => {
///             let id = response.json::<Begun>()?.id;
///             Job::wait(&id, status(&id)).into()
///         }
///         Job::Waiting(id) if !response.json::<Progress>()?.done => Job::wait(id, status(id)).into(),
///         Job::Waiting(id) => Job::collect(id, Request::get(path!["jobs", id, "rows"])).into(),
///         Job::Done(_) => Frame::new(Kind::Table).field(Field::new("n", response.json::<Vec<f64>>()?)).into(),
///     })
/// }
/// # let answer = |json| Responses::new(vec![Response::sample(200, json)]);
/// # let wait = transform(answer(r#"{"id": "7"}"#), "")?.next.unwrap();
/// # assert_eq!(wait.requests[0].target, "/jobs/7");
/// # assert_eq!(transform(answer(r#"{"done": false}"#), &wait.state)?.next.as_ref(), Some(&wait));
/// # let rows = transform(answer(r#"{"done": true}"#), &wait.state)?.next.unwrap();
/// # assert_eq!(rows.requests[0].target, "/jobs/7/rows");
/// # assert_eq!(transform(answer("[1, 2]"), &rows.state)?.frames.len(), 1);
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job<'a> {
    /// The responses are those of the first round, which began it.
    Begun,
    /// The responses say how the job with this id is.
    Waiting(&'a str),
    /// The responses are what the job with this id found.
    Done(&'a str),
}

/// What a state begins with.
const WAITING: &str = "waiting ";
const DONE: &str = "done ";

impl<'a> Job<'a> {
    /// What a round's state says.
    pub fn of(state: &'a str) -> Self {
        if let Some(id) = state.strip_prefix(WAITING) {
            Self::Waiting(id)
        } else if let Some(id) = state.strip_prefix(DONE) {
            Self::Done(id)
        } else {
            Self::Begun
        }
    }

    /// A round that asks how a job is.
    pub fn wait(id: &str, status: Request) -> Fetch {
        Fetch::from(status).state(format!("{WAITING}{id}"))
    }

    /// A round that asks what a job found.
    pub fn collect(id: &str, result: Request) -> Fetch {
        Fetch::from(result).state(format!("{DONE}{id}"))
    }
}
