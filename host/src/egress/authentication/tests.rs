//! Proofs, and the servers that give them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use http::Method;
use jsonwebtoken::EncodingKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::egress::settings::{
    Assertion, AuthStyle, AwsKeys, Grant, Login as LoginSettings, OAuth2 as OAuth2Settings, Role,
    SigV4, TokenPlace,
};

/// A server that answers each request, which it keeps as text.
struct Server {
    url: Url,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let (seen, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(answer));
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut text = String::new();
                    loop {
                        let mut bytes = [0; 4096];
                        let read = stream.read(&mut bytes).await.unwrap_or_default();
                        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
                        let Some(head) = text.find("\r\n\r\n") else { continue };
                        let length = text.to_lowercase();
                        let length = length
                            .split("content-length: ")
                            .nth(1)
                            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
                        if read == 0 || text.len() >= head + 4 + length {
                            break;
                        }
                    }
                    let number = {
                        let mut kept = kept.lock().unwrap();
                        kept.push(text.clone());
                        kept.len()
                    };
                    let body = answer(number, &text);
                    let _sent = stream.write_all(body.as_bytes()).await;
                });
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

fn json(body: &str) -> String {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn proving(given: &settings::Authentication) -> Authentication {
    Authentication::new(given, |_url| Ok(client())).unwrap()
}

fn client() -> Alone {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Alone::of(reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap())
}

fn prepared(url: &str) -> Prepared {
    let url: Url = url.parse().unwrap();
    let shown = url.to_string();
    Prepared::plain(Method::GET, url, shown)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

async fn prove(authentication: &Authentication) -> Result<Prepared, Error> {
    let mut prepared = prepared("http://api/x?a=b");
    authentication.prove(&mut prepared, soon()).await.map(|_proof| prepared)
}

fn header<'a>(prepared: &'a Prepared, name: &str) -> &'a str {
    prepared.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn oauth2(server: &Server, grant: Grant) -> OAuth2Settings {
    OAuth2Settings {
        grant,
        token_url: server.url.join("token").unwrap(),
        client_id: "id".to_owned(),
        client_secret: Some(secret("c:s")),
        style: AuthStyle::Auto,
        scopes: vec!["read".to_owned(), "more".to_owned()],
        parameters: vec![("audience".to_owned(), secret("a&b"))],
        headers: vec![("X-Tenant".to_owned(), secret("t"))],
        send: SendAs::default(),
    }
}

fn of(given: OAuth2Settings) -> Authentication {
    proving(&settings::Authentication::OAuth2(Box::new(given)))
}

#[tokio::test]
async fn keys_and_tokens_of_the_settings_stand_where_they_should() {
    use settings::Authentication as Given;
    let bearer = prove(&proving(&Given::Bearer { token: secret("t") })).await.unwrap();
    assert_eq!(header(&bearer, "authorization"), "Bearer t");
    assert!(bearer.headers["authorization"].is_sensitive());
    let key = Given::HeaderKey { name: "X-Key".to_owned(), value: secret("Key k") };
    assert_eq!(header(&prove(&proving(&key)).await.unwrap(), "x-key"), "Key k");
    let key = Given::ParameterKey { name: "key".to_owned(), key: secret("a b&c") };
    let by_parameter = prove(&proving(&key)).await.unwrap();
    assert_eq!(by_parameter.url.as_str(), "http://api/x?a=b&key=a+b%26c");
    assert_eq!(by_parameter.shown, "http://api/x?a=b");
}

#[tokio::test]
async fn a_token_is_asked_for_once_for_all_who_wait() {
    let server = Server::start(|_, _| {
        json(r#"{"access_token":"t1","token_type":"bearer","expires_in":3600}"#)
    })
    .await;
    let authentication = of(oauth2(&server, Grant::ClientCredentials));
    let proved = join_all((0..50).map(|_| prove(&authentication))).await;
    for prepared in proved {
        assert_eq!(header(&prepared.unwrap(), "authorization"), "Bearer t1");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let request = seen[0].to_lowercase();
    // Id and secret are each encoded before they are joined (RFC 6749, section 2.3.1): id:c%3As
    assert!(request.contains("authorization: basic awq6yyuzqxm="), "{request}");
    assert!(request.contains("x-tenant: t\r\n"), "{request}");
    for part in ["grant_type=client_credentials", "scope=read+more", "audience=a%26b"] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}

#[tokio::test]
async fn a_server_that_wants_credentials_in_the_body_is_found_out_once() {
    let server = Server::start(|_, request| match request.contains("client_secret=c%3As") {
        true => json(r#"{"access_token":"t","expires_in":"1"}"#),
        false => answer("401 Unauthorized", "", r#"{"error":"invalid_client"}"#),
    })
    .await;
    let authentication = of(oauth2(&server, Grant::ClientCredentials));
    assert_eq!(header(&prove(&authentication).await.unwrap(), "authorization"), "Bearer t");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn what_real_servers_get_wrong_is_mended() {
    for (body, token) in [
        (r#"{"access_token":"t"}"#, "t"),
        (r#"{"access_token":"t","token_type":"BEARER","expires_in":"3600"}"#, "t"),
        (r#"{"access_token":"t","token_type":"mac","expires_in":3600.5}"#, "t"),
        (r#"{"access_token":"t","expires_in":null,"scope":["a"]}"#, "t"),
        ("access_token=t&expires_in=3600", "t"),
    ] {
        let server = Server::start(move |_, _| answer("200 OK", "", body)).await;
        let authentication = of(oauth2(&server, Grant::ClientCredentials));
        let prepared = prove(&authentication).await.unwrap();
        assert_eq!(header(&prepared, "authorization"), format!("Bearer {token}"), "{body}");
    }
}

#[tokio::test]
async fn what_a_token_server_says_is_told_and_no_secret_of_ours() {
    for (status, body, expected, words) in [
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client","error_description":"no such client"}"#,
            401,
            "refuses to give a token, with status 401 (invalid_client: no such client)",
        ),
        ("400 Bad Request", r#"{"error":"invalid_scope"}"#, 400, "status 400 (invalid_scope)"),
        ("403 Forbidden", "<html>no</html>", 403, "with status 403. Look at"),
        ("500 Internal Server Error", "oops", 502, "it answered with status 500 (oops)"),
        ("200 OK", r#"{"error":"nope"}"#, 400, "status 400 (nope)"),
        ("200 OK", "{}", 502, "its answer has no access_token"),
        ("302 Found", "", 502, "it answered with status 302"),
    ] {
        let server = Server::start(move |_, _| answer(status, "", body)).await;
        let error = prove(&of(oauth2(&server, Grant::ClientCredentials))).await.err().unwrap();
        assert_eq!(error.status(), expected, "{error}");
        let message = error.user_message();
        assert!(message.contains(words), "'{words}' is not in: {message}");
        assert!(!message.contains("c:s") && !message.contains("c%3As"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_all_who_wait_and_tried_again_later() {
    let kept = Kept::<String>::default();
    let asked = AtomicUsize::new(0);
    let fetch = || async {
        asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Err(TokenError::Unusable { header: "x".to_owned() }.into())
    };
    let came = join_all((0..10).map(|_| kept.get(soon(), fetch))).await;
    assert!(came.iter().all(Result::is_err));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(kept.get(soon(), fetch).await.is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_its_end_and_after_it_was_refused_unless_it_is_new() {
    let kept = Kept::<usize>::default();
    let asked = AtomicUsize::new(0);
    let fetch = || async {
        let value = asked.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(kept::Fetched { value, lifetime: Some(Duration::from_secs(600)) })
    };
    let get = || async { kept.get(soon(), fetch).await.unwrap() };
    assert_eq!(get().await, (1, 1));
    tokio::time::advance(Duration::from_secs(500)).await;
    assert_eq!(get().await, (1, 1));
    // Thirty seconds before its end.
    tokio::time::advance(Duration::from_secs(71)).await;
    assert_eq!(get().await, (2, 2));
    assert!(kept.is_outdated(1), "there is a newer one");
    assert!(!kept.is_outdated(2), "it was fetched just now, so it is not the reason");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(kept.is_outdated(2));
    assert_eq!(get().await, (3, 3));
}

#[tokio::test]
async fn whoever_fetches_may_go_away() {
    let kept = Kept::<&'static str>::default();
    let mut first = Box::pin(kept.get(soon(), std::future::pending));
    assert!(futures_util::poll!(&mut first).is_pending());
    let second =
        kept.get(soon(), || async { Ok(kept::Fetched { value: "second", lifetime: None }) });
    let mut second = Box::pin(second);
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    assert_eq!(second.await.unwrap().0, "second");
}

#[tokio::test]
async fn a_refresh_token_that_the_server_changes_is_used_from_then_on() {
    let server = Server::start(|number, _| {
        json(&format!(r#"{{"access_token":"t{number}","refresh_token":"r{number}"}}"#))
    })
    .await;
    let given = oauth2(&server, Grant::RefreshToken(secret("r0")));
    let fetcher = Fetcher::new(client());
    let oauth2 = OAuth2::new(&given, fetcher).unwrap();
    for _twice in 0..2 {
        oauth2.fetch(soon()).await.unwrap();
    }
    let seen = server.seen();
    assert!(seen[0].contains("refresh_token=r0") && seen[1].contains("refresh_token=r1"));
    // Settings that were saved have the first one still.
    let again = OAuth2::new(&given, Fetcher::new(client())).unwrap();
    again.fetch(soon()).await.unwrap();
    assert!(server.seen()[2].contains("refresh_token=r2"));
}

#[tokio::test]
async fn a_changed_refresh_token_is_not_lost_with_whoever_asked() {
    let server = Server::start(|number, _| {
        json(&format!(r#"{{"access_token":"t{number}","refresh_token":"next{number}"}}"#))
    })
    .await;
    let authentication = of(oauth2(&server, Grant::RefreshToken(secret("first of those"))));
    {
        let mut asking = Box::pin(prove(&authentication));
        assert!(futures_util::poll!(&mut asking).is_pending());
    }
    while server.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let prepared = prove(&authentication).await.unwrap();
    assert_eq!(header(&prepared, "authorization"), "Bearer t1");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_lifetime_beyond_all_clocks_is_a_long_one() {
    let server =
        Server::start(|_, _| json(r#"{"access_token":"t","expires_in":9223372036854775807}"#))
            .await;
    let authentication = of(oauth2(&server, Grant::ClientCredentials));
    for _twice in 0..2 {
        prove(&authentication).await.unwrap();
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_password_grant_has_user_and_password() {
    let server = Server::start(|_, _| json(r#"{"access_token":"t"}"#)).await;
    let grant = Grant::Password { user: "ann".to_owned(), password: secret("p w") };
    prove(&of(oauth2(&server, grant))).await.unwrap();
    assert!(server.seen()[0].contains("grant_type=password&username=ann&password=p+w"));
}

fn assertion(algorithm: &str, key: &str) -> Assertion {
    Assertion {
        algorithm: algorithm.to_owned(),
        key: secret(key),
        key_id: "k1".to_owned(),
        issuer: "issuer".to_owned(),
        subject: String::new(),
        audience: "https://id.example.com/token".to_owned(),
        lifetime: Duration::from_secs(300),
    }
}

fn part(token: &str, index: usize) -> serde_json::Value {
    use base64::Engine as _;
    let part = token.split('.').nth(index).unwrap();
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&decoded).unwrap()
}

#[tokio::test]
async fn an_assertion_says_who_and_to_whom_and_for_how_long() {
    let server = Server::start(|_, _| json(r#"{"access_token":"t"}"#)).await;
    let grant = Grant::JwtBearer(Box::new(assertion("HS256", "shared secret")));
    prove(&of(oauth2(&server, grant))).await.unwrap();
    let body = server.seen()[0].split("\r\n\r\n").nth(1).unwrap().to_owned();
    let form: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (head, claims) = (part(&form["assertion"], 0), part(&form["assertion"], 1));
    assert_eq!((&head["alg"], &head["kid"]), (&"HS256".into(), &"k1".into()));
    assert_eq!((&claims["iss"], &claims["sub"]), (&"issuer".into(), &"issuer".into()));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    assert_eq!(claims["scope"], "read more");
}

fn pem(key: &rcgen::KeyPair) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(key.serialize_der());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

#[test]
fn each_kind_of_key_signs_with_its_own_algorithms_and_no_other() {
    let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let ed = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let (ec, ed) = (pem(&ec), pem(&ed));
    for (algorithm, key, is_fit) in [
        ("ES256", ec.as_str(), true),
        ("EdDSA", ed.as_str(), true),
        ("HS512", "any", true),
        ("ES256", ed.as_str(), false),
        ("RS256", ec.as_str(), false),
        ("RS256", "no key", false),
        ("ES512", ec.as_str(), false),
        ("none", ec.as_str(), false),
    ] {
        let made = assertion::Assertion::new(&assertion(algorithm, key));
        assert_eq!(made.is_ok(), is_fit, "{algorithm}");
        if let Some(error) = made.err() {
            assert!(!error.to_string().contains(key), "{error}");
        }
    }
    let made = assertion::Assertion::new(&assertion("ES256", &ec)).ok().unwrap();
    let signed = made.sign(SystemTime::now(), None).unwrap();
    let bytes = signed.rsplit_once('.').unwrap().1.len();
    assert_eq!(bytes, 86, "two numbers of 32 bytes, without padding");
    assert!(EncodingKey::from_ec_pem(ec.as_bytes()).is_ok());
}

fn login(server: &Server, token: TokenPlace) -> LoginSettings {
    LoginSettings {
        url: server.url.join("login").unwrap(),
        method: Method::POST,
        headers: vec![("X-Client".to_owned(), secret("c"))],
        body: Some(("application/json", secret(r#"{"password":"p\"w"}"#))),
        token,
        expires_in: Some("/ttl".to_owned()),
        lifetime: None,
        send: SendAs { header: "X-Auth".to_owned(), template: "Token {token}".to_owned() },
        renew_on: vec![419],
    }
}

#[tokio::test]
async fn a_token_of_a_login_is_taken_from_where_the_api_has_it() {
    for (place, headers, body, name, value) in [
        (TokenPlace::Pointer("/a/0/t".to_owned()), "", r#"{"a":[{"t":"x"}]}"#, "x-auth", "Token x"),
        (TokenPlace::Pointer("/n".to_owned()), "", r#"{"n":12,"ttl":"60"}"#, "x-auth", "Token 12"),
        (TokenPlace::Header("X-Token".to_owned()), "X-Token: y\r\n", "", "x-auth", "Token y"),
        (
            TokenPlace::Cookie("sid".to_owned()),
            "Set-Cookie: a=b\r\nSet-Cookie: sid=z; Path=/; Max-Age=60; HttpOnly\r\n",
            "",
            "cookie",
            "sid=z",
        ),
    ] {
        let server = Server::start(move |_, _| answer("200 OK", headers, body)).await;
        let given = settings::Authentication::Login(Box::new(login(&server, place)));
        let authentication = proving(&given);
        for _twice in 0..2 {
            assert_eq!(header(&prove(&authentication).await.unwrap(), name), value);
        }
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        assert!(seen[0].starts_with("POST /login HTTP/1.1\r\n"), "{}", seen[0]);
        assert!(seen[0].ends_with(r#"{"password":"p\"w"}"#), "{}", seen[0]);
        assert!(seen[0].contains("x-client: c\r\n"), "{}", seen[0]);
    }
}

#[tokio::test]
async fn a_login_without_a_token_says_where_it_was_looked_for() {
    let server = Server::start(|_, _| json(r#"{"token":""}"#)).await;
    for (place, words) in [
        (TokenPlace::Pointer("/t".to_owned()), "no text at '/t'"),
        (TokenPlace::Pointer("/token".to_owned()), "an empty one"),
        (TokenPlace::Header("X-T".to_owned()), "no header 'X-T'"),
        (TokenPlace::Cookie("sid".to_owned()), "no cookie 'sid'"),
    ] {
        let given = settings::Authentication::Login(Box::new(login(&server, place)));
        let error = prove(&proving(&given)).await.err().unwrap();
        assert!(error.user_message().contains(words), "{}", error.user_message());
    }
}

const CHALLENGE: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;

#[tokio::test]
async fn a_challenge_is_answered_and_then_answered_again_with_another_count() {
    let given = settings::Authentication::Digest {
        user: "Mufasa".to_owned(),
        password: secret("Circle of Life"),
    };
    let authentication = proving(&given);
    let mut first = prepared("http://www.example.org/dir/index.html");
    let proof = authentication.prove(&mut first, soon()).await.unwrap();
    assert_eq!(header(&first, "authorization"), "");
    let challenged = HeaderMap::from_iter([(
        http::header::WWW_AUTHENTICATE,
        HeaderValue::from_static(CHALLENGE),
    )]);
    assert!(authentication.is_outdated(proof, StatusCode::UNAUTHORIZED, &challenged));
    for count in ["nc=00000001", "nc=00000002"] {
        let mut next = prepared("http://www.example.org/dir/index.html?a=b");
        authentication.prove(&mut next, soon()).await.unwrap();
        let value = header(&next, "authorization");
        assert!(value.starts_with("Digest ") && value.contains(count), "{value}");
        assert!(value.contains(r#"uri="/dir/index.html?a=b""#), "{value}");
        assert!(!value.contains("Circle"), "{value}");
    }
    let basic = HeaderMap::from_iter([(
        http::header::WWW_AUTHENTICATE,
        HeaderValue::from_static(r#"Basic realm="x""#),
    )]);
    assert!(!authentication.is_outdated(proof, StatusCode::UNAUTHORIZED, &basic));
}

fn sigv4(keys: AwsKeys, role: Option<Role>, sts: &Server) -> settings::Authentication {
    settings::Authentication::SigV4(Box::new(SigV4 {
        region: "eu-central-1".to_owned(),
        service: "execute-api".to_owned(),
        keys,
        role,
        sts_url: sts.url.clone(),
    }))
}

/// What STS answers, by its documentation.
fn assumed(action: &str) -> String {
    let until = humantime::format_rfc3339_seconds(SystemTime::now() + Duration::from_secs(3_600));
    answer(
        "200 OK",
        "Content-Type: text/xml\r\n",
        &format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
             <AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>session</SessionToken><Expiration>{until}</Expiration>\
             </Credentials></{action}Result></{action}Response>"
        ),
    )
}

#[tokio::test]
async fn keys_of_a_role_and_of_a_web_identity_come_from_sts_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "web token\n").unwrap();
    let fixed = AwsKeys::Keys { id: secret("AKIA0"), secret: secret("s"), session_token: None };
    let identity = AwsKeys::WebIdentity { file: file.path().to_owned() };
    for (keys, action, is_signed) in
        [(fixed, "AssumeRole", true), (identity, "AssumeRoleWithWebIdentity", false)]
    {
        let server = Server::start(move |_, _| assumed(action)).await;
        let role = Role { arn: "arn:aws:iam::1:role/r".to_owned(), external_id: "e".to_owned() };
        let authentication = proving(&sigv4(keys, Some(role), &server));
        for _twice in 0..2 {
            let signed = prove(&authentication).await.unwrap();
            let value = header(&signed, "authorization");
            assert!(value.contains("Credential=ASIA1/"), "{value}");
            assert!(value.contains("/eu-central-1/execute-api/aws4_request"), "{value}");
            assert_eq!(header(&signed, "x-amz-security-token"), "session");
        }
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        assert!(seen[0].contains(&format!("Action={action}&Version=2011-06-15")), "{}", seen[0]);
        assert_eq!(seen[0].contains("Credential=AKIA0/"), is_signed, "{}", seen[0]);
        assert_eq!(seen[0].contains("WebIdentityToken=web+token"), !is_signed);
    }
}

#[tokio::test]
async fn what_sts_says_is_told() {
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                <Message>not you</Message></Error></ErrorResponse>";
    let server = Server::start(move |_, _| answer("403 Forbidden", "", body)).await;
    let keys = AwsKeys::Keys { id: secret("AKIA0"), secret: secret("s"), session_token: None };
    let role = Role { arn: "arn".to_owned(), external_id: String::new() };
    let error = prove(&proving(&sigv4(keys, Some(role), &server))).await.err().unwrap();
    assert_eq!(error.status(), 403);
    assert!(error.user_message().contains("(AccessDenied: not you)"), "{}", error.user_message());
    let keys = AwsKeys::WebIdentity { file: "/no/such/file".into() };
    let error = prove(&proving(&sigv4(keys, None, &server))).await.err().unwrap();
    assert!(error.user_message().contains("file of the web identity"), "{}", error.user_message());
}
