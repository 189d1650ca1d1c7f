//! How often an API is asked, and what for: retries, flights, cache, pace, circuit breaker.

use std::sync::atomic::AtomicU32;

use futures_util::future::join_all;

use super::*;
use crate::limits::BREAKER_FAILURES;

/// Who asks, by the token that Grafana forwards.
fn user(token: &str) -> Caller {
    Caller::new([pair("Authorization", token)], false)
}

fn alert() -> Caller {
    Caller::new([], true)
}

fn cache() -> Arc<Cache> {
    Arc::new(Cache::new(&Limits::default()))
}

/// A client with a cache.
fn keeping(settings: &HttpSettings) -> Client {
    let allowed = Allowed { methods: vec![Method::Get, Method::Post], ..Allowed::default() };
    Client::new(settings, &allowed, &Limits::default(), cache(), metrics()).unwrap()
}

/// One request of one query, and what is noted of it.
async fn ask(
    client: &Client,
    request: Request,
    caller: &Caller,
) -> (Result<Response, Error>, model::Exchange) {
    let (allowance, journal) = (&later(), &Journal::default());
    let asker = Asker { caller, allowance, journal, demand: Demand::Any };
    let asked = client.send_all(vec![request], asker).await;
    let response = asked.map(|(mut responses, _held)| responses.remove(0));
    (response, journal.exchanges().remove(0))
}

/// The first answers in turn, and the last of them from then on.
async fn in_turn(answers: Vec<Vec<u8>>) -> Server {
    let next = AtomicUsize::new(0);
    Server::start(move |_request| {
        let turn = next.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        Answer::Bytes(answers[turn].clone())
    })
    .await
}

fn busy() -> Vec<u8> {
    response("503 Service Unavailable", "", b"busy")
}

fn fine(headers: &str) -> Vec<u8> {
    response("200 OK", headers, b"fine")
}

#[tokio::test]
async fn fifty_panels_that_ask_the_same_at_once_are_one_exchange() {
    let server = Server::start(|_request| ok(b"same")).await;
    let (client, nobody) = (keeping(&server.settings()), Caller::nobody());
    let asked = join_all((0..50).map(|_panel| ask(&client, get("/x?a=b"), &nobody))).await;
    assert!(asked.iter().all(|(response, _)| response.as_ref().unwrap().body == "same"));
    let shared = asked.iter().filter(|(_, noted)| noted.origin == Origin::Shared).count();
    assert_eq!((server.requests().len(), shared), (1, 49));
}

#[tokio::test]
async fn fifty_users_whom_the_api_can_tell_apart_are_fifty_exchanges() {
    let server = Server::start(|request| {
        let token = request.to_lowercase().split("authorization: ").nth(1).unwrap().to_owned();
        ok(token.split("\r\n").next().unwrap().as_bytes())
    })
    .await;
    let mut settings = server.settings();
    settings.forward.tokens = true;
    settings.cache_for = Some(Duration::from_secs(60));
    let client = keeping(&settings);
    for _twice in 0..2 {
        let asked = (0..50).map(async |number| {
            let token = format!("bearer {number}");
            let (response, _) = ask(&client, get("/x"), &user(&token)).await;
            assert_eq!(response.unwrap().body, token);
        });
        join_all(asked).await;
    }
    // The second time each had its own answer from the cache.
    assert_eq!(server.requests().len(), 50);
}

#[tokio::test]
async fn without_forwarding_users_are_one_to_the_api_and_none_of_their_tokens_leaves() {
    let server = Server::start(|_request| ok(b"same")).await;
    let client = keeping(&server.settings());
    let users: Vec<_> = (0..5).map(|number| user(&format!("secret {number}"))).collect();
    join_all(users.iter().map(|user| ask(&client, get("/x"), user))).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(!requests[0].to_lowercase().contains("secret"), "{requests:?}");
}

#[tokio::test]
async fn who_goes_away_does_not_end_it_for_the_others() {
    let server = Server::start(|_request| ok(b"here")).await;
    let (client, nobody) = (keeping(&server.settings()), Caller::nobody());
    let mut leader = Box::pin(ask(&client, get("/x"), &nobody));
    assert!(futures_util::poll!(&mut leader).is_pending());
    let mut follower = Box::pin(ask(&client, get("/x"), &nobody));
    assert!(futures_util::poll!(&mut follower).is_pending());
    drop(leader);
    let (response, noted) = follower.await;
    assert_eq!((response.unwrap().body, noted.origin), ("here".into(), Origin::Shared));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn one_who_has_more_time_than_whoever_began_asks_again() {
    let first = AtomicU32::new(0);
    let server = Server::start(move |_request| match first.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::Stall(Vec::new()),
        _ => ok(b"late"),
    })
    .await;
    let client = keeping(&server.settings());
    let (short, long) = (within(Duration::from_millis(100)), later());
    let (one, other) = tokio::join!(
        send_all(&client, vec![get("/x")], &short),
        send_all(&client, vec![get("/x")], &long)
    );
    assert_eq!(one.unwrap_err().status(), 504);
    assert_eq!(other.unwrap().0[0].body, "late");
}

#[tokio::test]
async fn a_read_is_tried_three_times_and_a_write_once() {
    for (request, seen) in [(get("/x"), 3), (Request { method: Method::Post, ..get("/x") }, 1)] {
        let server = in_turn(vec![busy()]).await;
        let client = keeping(&HttpSettings { retries: 2, ..server.settings() });
        let (response, noted) = ask(&client, request, &Caller::nobody()).await;
        assert_eq!(response.unwrap().status, 503);
        assert_eq!((server.requests().len(), noted.retries), (seen, seen as u32 - 1));
    }
}

#[tokio::test]
async fn an_api_that_flaps_is_not_seen_to() {
    let server = in_turn(vec![busy(), busy(), fine("")]).await;
    let client = keeping(&HttpSettings { retries: 2, ..server.settings() });
    let (response, noted) = ask(&client, get("/x"), &Caller::nobody()).await;
    assert_eq!((response.unwrap().status, noted.retries), (200, 2));
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_and_the_error_says_how_often() {
    let server = Server::start(|_request| Answer::Last(b"HTTP/1.1 200 OK\r\n".to_vec())).await;
    let client = keeping(&HttpSettings { retries: 2, ..server.settings() });
    let (response, noted) = ask(&client, get("/x"), &Caller::nobody()).await;
    let error = response.unwrap_err();
    check(&error, 502, Source::Downstream, &["closed the connection", "It was tried 3 times."]);
    assert_eq!((server.requests().len(), noted.retries), (3, 2));
    assert_eq!(noted.failure, Some(error.as_told()));
}

#[tokio::test]
async fn an_api_that_wants_to_be_asked_after_the_query_is_not_waited_for() {
    let server = in_turn(vec![response("429 Too Many Requests", "Retry-After: 60\r\n", b"")]).await;
    let client = keeping(&HttpSettings { retries: 2, ..server.settings() });
    let (response, noted) = ask(&client, get("/x"), &Caller::nobody()).await;
    assert_eq!((response.unwrap().status, server.requests().len(), noted.retries), (429, 1, 0));
}

#[tokio::test]
async fn what_is_fresh_by_the_apis_word_is_not_asked_again_and_no_store_is_never_kept() {
    for (headers, seen) in [
        ("Cache-Control: max-age=60\r\n", 1),
        ("Cache-Control: private, max-age=60\r\n", 1),
        ("Cache-Control: max-age=0\r\n", 2),
        ("Cache-Control: no-store, max-age=60\r\n", 2),
        ("Cache-Control: no-cache\r\n", 2),
        ("Cache-Control: max-age=60\r\nVary: *\r\n", 2),
        ("Cache-Control: max-age=60\r\nVary: Accept\r\n", 1),
        ("", 2),
    ] {
        let server = in_turn(vec![fine(headers)]).await;
        let client = keeping(&server.settings());
        for _twice in 0..2 {
            let (response, _) = ask(&client, get("/x"), &Caller::nobody()).await;
            assert_eq!(response.unwrap().body, "fine");
        }
        assert_eq!(server.requests().len(), seen, "{headers}");
    }
}

#[tokio::test]
async fn a_guests_hint_counts_for_more_than_the_apis_freshness_and_less_than_no_store() {
    let hint = Request { cache_for: Some(Duration::from_secs(60)), ..get("/x") };
    for (headers, seen) in
        [("", 1), ("Cache-Control: no-cache\r\n", 1), ("Cache-Control: no-store\r\n", 2)]
    {
        let server = in_turn(vec![fine(headers)]).await;
        let client = keeping(&server.settings());
        for _twice in 0..2 {
            ask(&client, hint.clone(), &Caller::nobody()).await.0.unwrap();
        }
        assert_eq!(server.requests().len(), seen, "{headers}");
    }
}

#[tokio::test]
async fn what_has_a_validator_is_asked_about_and_not_sent_again() {
    let changed = "ETag: \"1\"\r\nX-Sent: first\r\n";
    let not_changed = response("304 Not Modified", "ETag: \"1\"\r\nX-Sent: then\r\n", b"");
    let server = in_turn(vec![fine(changed), not_changed]).await;
    let client = keeping(&server.settings());
    ask(&client, get("/x"), &Caller::nobody()).await.0.unwrap();
    let (response, noted) = ask(&client, get("/x"), &Caller::nobody()).await;
    let response = response.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"fine"[..]));
    assert!(response.headers.contains(&pair("x-sent", "then")), "{:?}", response.headers);
    assert_eq!(noted.origin, Origin::Revalidated);
    assert!(server.requests()[1].to_lowercase().contains("if-none-match: \"1\""));
}

#[tokio::test]
async fn a_server_need_not_say_once_more_by_what_it_knows_an_answer() {
    for unchanged in ["", "ETag: \"1-gzip\"\r\n"] {
        for known in ["ETag: \"1\"\r\n", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"] {
            let unchanged = response("304 Not Modified", unchanged, b"");
            let server = in_turn(vec![fine(known), unchanged]).await;
            let client = keeping(&server.settings());
            for origin in [Origin::Api, Origin::Revalidated, Origin::Revalidated] {
                let (response, noted) = ask(&client, get("/x"), &Caller::nobody()).await;
                let response = response.unwrap();
                assert_eq!((response.status, &response.body[..]), (200, &b"fine"[..]), "{known}");
                assert_eq!(noted.origin, origin);
            }
        }
    }
}

#[tokio::test]
async fn numbers_beyond_all_clocks_are_long_times() {
    for headers in [
        "Cache-Control: max-age=9223372036854775807\r\n",
        "Cache-Control: max-age=99999999999999999999999, stale-if-error=99999999999\r\n",
        "Cache-Control: max-age=18446744073709551615, stale-while-revalidate=18446744073709551615\r\n",
    ] {
        let server = in_turn(vec![fine(headers)]).await;
        let client = keeping(&server.settings());
        for _twice in 0..2 {
            ask(&client, get("/x"), &Caller::nobody()).await.0.unwrap();
        }
        assert_eq!(server.requests().len(), 1, "{headers}");
    }
    // An answer as old as that is fresh no more.
    let old = fine("Age: 18446744073709551615\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\n");
    let server = in_turn(vec![old]).await;
    let client = keeping(&server.settings());
    for _twice in 0..2 {
        ask(&client, get("/x"), &Caller::nobody()).await.0.unwrap();
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn what_a_redirect_led_to_is_not_kept_as_the_answer_of_where_it_began() {
    let server = Server::start(|request| match request.split(' ').nth(1) {
        Some("/latest") => redirect("/v1"),
        _ => Answer::Bytes(fine("Cache-Control: max-age=31536000\r\n")),
    })
    .await;
    let client = keeping(&server.settings());
    for _twice in 0..2 {
        ask(&client, get("/latest"), &Caller::nobody()).await.0.unwrap();
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn what_was_done_is_not_done_again_because_a_redirect_leads_to_nobody() {
    let server = Server::start(|_request| {
        Answer::Bytes(response("303 See Other", "Location: http://127.0.0.1:9/done\r\n", b""))
    })
    .await;
    let mut settings = HttpSettings { retries: 2, ..server.settings() };
    settings.allowed_hosts = vec!["127.0.0.1:9".to_owned()];
    let allowed = Allowed {
        hosts: settings.allowed_hosts.clone(),
        methods: vec![Method::Get, Method::Post],
        ..Allowed::default()
    };
    let client = Client::new(&settings, &allowed, &Limits::default(), cache(), metrics()).unwrap();
    for (method, seen) in [(Method::Post, 1), (Method::Get, 1 + 3)] {
        let request = Request { method, ..get("/x") };
        let error = ask(&client, request, &Caller::nobody()).await.0.unwrap_err();
        assert!(error.user_message().contains("127.0.0.1:9"), "{error}");
        assert_eq!(server.requests().len(), seen);
    }
}

#[tokio::test]
async fn a_guest_that_is_impatient_closes_nothing_for_others() {
    let server = Server::start(|_request| Answer::Stall(Vec::new())).await;
    let client = keeping(&server.settings());
    let impatient = Request { timeout: Some(Duration::from_millis(1)), ..get("/x") };
    for _time in 0..2 * BREAKER_FAILURES {
        let error = ask(&client, impatient.clone(), &Caller::nobody()).await.0.unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    }
}

#[tokio::test]
async fn save_and_test_asks_the_api_itself() {
    let server = in_turn(vec![fine("Cache-Control: max-age=60\r\n")]).await;
    let client = keeping(&server.settings());
    let (caller, allowance, journal) = (&Caller::nobody(), &later(), &Journal::default());
    for _twice in 0..2 {
        let asker = Asker { caller, allowance, journal, demand: Demand::Own };
        client.send_all(vec![get("/x")], asker).await.unwrap();
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_alert_rule_has_the_last_answer_when_there_is_no_other_and_a_panel_has_not() {
    for (caller, status, origin) in
        [(alert(), 200, Origin::Stale), (Caller::nobody(), 503, Origin::Api)]
    {
        let server = in_turn(vec![fine("ETag: \"1\"\r\n"), busy()]).await;
        let stale_if_error = Duration::from_secs(300);
        let client = keeping(&HttpSettings { stale_if_error, ..server.settings() });
        ask(&client, get("/x"), &caller).await.0.unwrap();
        // However often it is asked meanwhile.
        for _time in 0..3 {
            let (response, noted) = ask(&client, get("/x"), &caller).await;
            assert_eq!((response.unwrap().status, noted.origin), (status, origin));
        }
    }
}

#[tokio::test]
async fn an_alert_rule_has_no_old_answer_unless_somebody_says_so() {
    let server = in_turn(vec![fine("ETag: \"1\"\r\n"), busy()]).await;
    let client = keeping(&server.settings());
    ask(&client, get("/x"), &alert()).await.0.unwrap();
    let (response, noted) = ask(&client, get("/x"), &alert()).await;
    assert_eq!((response.unwrap().status, noted.origin), (503, Origin::Api));
}

#[tokio::test]
async fn that_there_is_nothing_is_given_again_only_if_the_api_says_so() {
    for (headers, seen) in [("", 2), ("Cache-Control: max-age=60\r\n", 1)] {
        let server = in_turn(vec![response("404 Not Found", headers, b"no")]).await;
        let cache_for = Some(Duration::from_secs(60));
        let client = keeping(&HttpSettings { cache_for, ..server.settings() });
        for _twice in 0..2 {
            let (response, _noted) = ask(&client, get("/x"), &Caller::nobody()).await;
            assert_eq!(response.unwrap().status, 404);
        }
        assert_eq!(server.requests().len(), seen, "{headers}");
    }
}

#[tokio::test]
async fn a_panel_has_it_too_if_the_api_says_so() {
    let answer = fine("Cache-Control: max-age=0, stale-if-error=60\r\nETag: \"1\"\r\n");
    let server = in_turn(vec![answer, busy()]).await;
    let client = keeping(&server.settings());
    ask(&client, get("/x"), &Caller::nobody()).await.0.unwrap();
    let (response, noted) = ask(&client, get("/x"), &Caller::nobody()).await;
    assert_eq!((response.unwrap().status, noted.origin), (200, Origin::Stale));
}

#[tokio::test]
async fn settings_that_changed_begin_with_an_empty_cache() {
    let server = in_turn(vec![fine("Cache-Control: max-age=60\r\n")]).await;
    let cache = cache();
    for _client in 0..2 {
        let (allowed, limits) = (Allowed::default(), Limits::default());
        let client =
            Client::new(&server.settings(), &allowed, &limits, Arc::clone(&cache), metrics());
        ask(&client.unwrap(), get("/x"), &Caller::nobody()).await.0.unwrap();
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_api_that_fails_again_and_again_is_left_alone_but_not_by_save_and_test() {
    let server = in_turn(vec![busy()]).await;
    let client = keeping(&server.settings());
    for _failure in 0..BREAKER_FAILURES {
        ask(&client, get("/x"), &Caller::nobody()).await.0.unwrap();
    }
    let error = ask(&client, get("/x"), &Caller::nobody()).await.0.unwrap_err();
    let words = ["failed 5 times in a row", "left alone for 5 s more", "answered with status 503"];
    check(&error, 503, Source::Downstream, &words);
    assert_eq!(server.requests().len(), BREAKER_FAILURES as usize);
    let (caller, allowance, journal) = (&Caller::nobody(), &later(), &Journal::default());
    let asker = Asker { caller, allowance, journal, demand: Demand::Own };
    assert_eq!(client.send_all(vec![get("/x")], asker).await.unwrap().0[0].status, 503);
}

#[tokio::test]
async fn a_pace_that_leaves_no_time_is_told_as_one() {
    let server = Server::start(|_request| ok(b"")).await;
    let mut settings = server.settings();
    settings.pace.requests_per_second = Some(0.01);
    settings.pace.burst = Some(1);
    let client = keeping(&settings);
    send_all(&client, vec![get("/1")], &later()).await.unwrap();
    let short = within(Duration::from_millis(50));
    let error = send_all(&client, vec![get("/2")], &short).await.unwrap_err();
    let words = ["may send 0.01 requests for each second", "maxRequestsPerSecond"];
    check(&error, 429, Source::Downstream, &words);
    assert_eq!(server.requests().len(), 1);
}
