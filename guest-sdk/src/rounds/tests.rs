use super::*;
use crate::{Header, NoSettings};

fn rows() -> Request {
    Request::get("/rows").parameter("limit", 2).header("accept", "application/json")
}

fn datasource(url: &str) -> Configured<NoSettings> {
    Configured {
        uid: String::new(),
        name: String::new(),
        url: url.to_owned(),
        settings: NoSettings {},
        secrets: Vec::new(),
    }
}

#[test]
fn a_cursor_leads_to_the_next_page_until_there_is_none() {
    let ask = |cursor: &str| rows().parameter("after", cursor);
    let next = cursor("", Some("b"), ask).unwrap().unwrap();
    assert_eq!(next.requests, [rows().parameter("after", "b")]);
    let next = cursor(&next.state, Some(7), ask).unwrap().unwrap();
    assert_eq!(next.requests, [rows().parameter("after", "7")]);
    assert_eq!(cursor(&next.state, None::<String>, ask), Ok(None));
    assert_eq!(cursor(&next.state, Some(""), ask), Ok(None));
    assert!(matches!(cursor(&next.state, Some("7"), ask), Err(Refusal::UnexpectedResponse(_))));
}

#[test]
fn offsets_grow_by_what_each_page_had() {
    let ask = |offset| rows().parameter("offset", offset);
    let next = offset("", 2, true, ask).unwrap().unwrap();
    assert_eq!(next.requests, [rows().parameter("offset", 2)]);
    let next = offset(&next.state, 3, true, ask).unwrap().unwrap();
    assert_eq!(next.requests, [rows().parameter("offset", 5)]);
    assert_eq!(offset(&next.state, 1, false, ask), Ok(None));
    assert_eq!(offset(&next.state, 0, true, ask), Ok(None));
    assert!(matches!(offset("b", 1, true, ask), Err(Refusal::Internal(_))));
}

#[test]
fn pages_are_counted_from_the_number_of_the_first() {
    let ask = |number| rows().parameter("page", number);
    for first in [0, 1] {
        let next = page("", first, true, ask).unwrap().unwrap();
        assert_eq!(next.requests, [rows().parameter("page", first + 1)]);
        let next = page(&next.state, first, true, ask).unwrap().unwrap();
        assert_eq!(next.requests, [rows().parameter("page", first + 2)]);
        assert_eq!(page(&next.state, first, false, ask), Ok(None));
    }
    assert!(matches!(page("b", 1, true, ask), Err(Refusal::Internal(_))));
}

#[test]
fn links_are_relative_to_the_page_that_they_are_on() {
    let datasource = datasource("https://h/api/");
    for (given, expected) in [
        ("https://h/api/rows?page=2", "https://h/api/rows?page=2"),
        ("/api/rows?page=2#top", "https://h/api/rows?page=2"),
        ("?page=2", "https://h/api/rows?page=2"),
        ("more/2", "https://h/api/more/2"),
        ("./rows/../rows?page=2", "https://h/api/rows?page=2"),
        ("//other/rows", "https://other/rows"),
        (" ?filter[a]=b c|ü ", "https://h/api/rows?filter%5Ba%5D=b%20c%7C%C3%BC"),
    ] {
        let next = link("", &datasource, rows(), Some(given)).unwrap().unwrap();
        let [request] = next.requests.as_slice() else { panic!("{next:?}") };
        assert_eq!(request.target, expected, "{given}");
        assert_eq!((&request.parameters, &request.headers), (&Vec::new(), &rows().headers));
        // From there it goes on.
        let next = link(&next.state, &datasource, rows(), Some("?page=3")).unwrap().unwrap();
        assert!(next.requests[0].target.ends_with("?page=3"), "{next:?}");
    }
    assert_eq!(link("", &datasource, rows(), None), Ok(None));
    assert_eq!(link("", &datasource, rows(), Some(" ")), Ok(None));
}

#[test]
fn a_link_that_leads_nowhere_is_the_apis_fault() {
    let datasource = datasource("http://h");
    let first = link("", &datasource, rows(), Some("?page=2")).unwrap().unwrap();
    let again = link(&first.state, &datasource, rows(), Some("?page=2"));
    assert!(matches!(again, Err(Refusal::UnexpectedResponse(_))), "{again:?}");
    for given in ["http://[", "a%zz", "1:2"] {
        let none = link("", &datasource, rows(), Some(given));
        assert!(matches!(none, Err(Refusal::UnexpectedResponse(_))), "{given}: {none:?}");
    }
}

#[test]
fn the_link_header_may_be_there_several_times() {
    let field = |value: &str| Header { name: "link".to_owned(), value: value.to_owned() };
    let headers = vec![field("</first>; rel=first"), field("</2>; rel=next")];
    let response = Response { headers, ..Response::sample(200, "[]") };
    assert_eq!(next_of_header(&response), Some("/2"));
    assert_eq!(next_of_header(&Response::sample(200, "[]")), None);
}

#[test]
fn what_an_api_says_stands_for_no_secret() {
    let asked = cursor("", Some("{{secret:apiKey}}"), |_cursor| Request::get("/rows"));
    assert!(matches!(asked, Err(Refusal::UnexpectedResponse(_))));
    for link in
        ["/rows?after={{secret:apiKey}}", "/%7b%7Bsecret:apiKey%7D%7D", "/{{secret:apiKey}}"]
    {
        assert!(of_own_host("http://h", link.to_owned()).is_ok());
        assert!(refuse_placeholder(&encoded(link)).is_err(), "{link}");
    }
    assert!(refuse_placeholder("{{secretary}}").is_ok());
}

#[test]
fn a_link_is_below_the_data_sources_url_and_as_safe_as_it() {
    let of = |link: &str| of_own_host("https://h:8443/api", link.to_owned()).ok();
    for (link, expected) in [
        ("https://h:8443/api/rows?page=2", Some("https://h:8443/api/rows?page=2")),
        ("http://h:8443/api/rows", Some("https://h:8443/api/rows")),
        ("https://H:8443/api", None),
        ("https://h:8443/rows", None),
        ("https://h:8443/apis", None),
        ("http://other/rows", Some("http://other/rows")),
    ] {
        assert_eq!(of(link).as_deref(), expected, "{link}");
    }
}
