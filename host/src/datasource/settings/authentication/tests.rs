use std::collections::HashMap;

use super::*;

const SECRETS: [(&str, &str); 9] = [
    ("authToken", "T"),
    ("authApiKey", "K"),
    ("authPassword", "P"),
    ("authClientSecret", "CS"),
    ("authRefreshToken", "R"),
    ("authPrivateKey", "PK"),
    ("sigV4AccessKey", "AK"),
    ("sigV4SecretKey", "SK"),
    ("other \"&+", "O \"&+"),
];

fn with(settings: &str, secrets: &[(&str, &str)]) -> Result<Authentication, Error> {
    let secrets = secrets.iter();
    let secure_json_data: HashMap<_, _> =
        secrets.map(|(name, it)| ((*name).to_owned(), Secret::new((*it).to_owned()))).collect();
    let raw = RawSettings {
        url: "https://api.example/v1".to_owned(),
        json_data: format!("{{\"guest\":\"g\",{settings}}}").into(),
        secure_json_data,
        ..RawSettings::default()
    };
    raw.resolve().map(|settings| settings.http.authentication)
}

fn given(settings: &str) -> Authentication {
    with(&format!("\"authentication\":{settings}"), &SECRETS).unwrap()
}

fn problem(settings: &str) -> String {
    with(&format!("\"authentication\":{settings}"), &SECRETS).unwrap_err().to_string()
}

fn oauth2(more: &str) -> OAuth2 {
    let settings = format!(
        "{{\"type\":\"oauth2\",\"tokenUrl\":\"https://id.example/token\",\"clientId\":\"c\"{more}}}"
    );
    let Authentication::OAuth2(oauth2) = given(&settings) else { panic!("{settings}") };
    *oauth2
}

fn login(more: &str) -> Login {
    let settings = format!("{{\"type\":\"login\"{more}}}");
    let Authentication::Login(login) = given(&settings) else { panic!("{settings}") };
    *login
}

fn exposed(pairs: &[(String, Secret)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

#[test]
fn keys_and_tokens_that_are_always_the_same() {
    assert!(matches!(with("\"x\":1", &SECRETS).unwrap(), Authentication::None));
    let Authentication::Bearer { token } = given(r#"{"type":"bearer"}"#) else { panic!() };
    assert_eq!(token.expose(), "T");
    for (settings, expected) in [
        (r#"{"type":"apiKey","name":"X-Key"}"#, "K"),
        (r#"{"type":"apiKey","name":"X-Key","in":"header","prefix":"Key "}"#, "Key K"),
    ] {
        let Authentication::HeaderKey { name, value } = given(settings) else { panic!() };
        assert_eq!((name.as_str(), value.expose()), ("X-Key", expected));
    }
    let settings = r#"{"type":"apiKey","name":"key","in":"query"}"#;
    let Authentication::ParameterKey { name, key } = given(settings) else { panic!() };
    assert_eq!((name.as_str(), key.expose()), ("key", "K"));
    let Authentication::Digest { user, password } = given(r#"{"type":"digest","user":"ann"}"#)
    else {
        panic!()
    };
    assert_eq!((user.as_str(), password.expose()), ("ann", "P"));
}

#[test]
fn a_token_server_is_asked_as_the_settings_say() {
    let plain = oauth2("");
    assert!(matches!(plain.grant, Grant::ClientCredentials));
    assert_eq!((plain.style, plain.send), (AuthStyle::Auto, SendAs::default()));
    assert_eq!(plain.client_secret.unwrap().expose(), "CS");

    let full = oauth2(
        r#","authStyle":"body","scopes":["read","a b"],"parameters":{"audience":"x","k":"{{secret:authApiKey}}!"},
           "headers":{"X-Tenant":"7"},"tokenHeader":"X-Token","tokenTemplate":"Token {token}""#,
    );
    assert_eq!((full.style, full.scopes.join("|").as_str()), (AuthStyle::Body, "read|a|b"));
    let mut parameters = exposed(&full.parameters);
    parameters.sort_unstable();
    assert_eq!(parameters, [("audience", "x"), ("k", "K!")]);
    assert_eq!(exposed(&full.headers), [("X-Tenant", "7")]);
    let send = SendAs { header: "X-Token".to_owned(), template: "Token {token}".to_owned() };
    assert_eq!(full.send, send);

    let Grant::Password { user, password } = oauth2(r#","grant":"password","user":"ann""#).grant
    else {
        panic!()
    };
    assert_eq!((user.as_str(), password.expose()), ("ann", "P"));
    let Grant::RefreshToken(token) = oauth2(r#","grant":"refreshToken""#).grant else { panic!() };
    assert_eq!(token.expose(), "R");
    let Grant::JwtBearer(assertion) = oauth2(r#","grant":"jwtBearer","issuer":"me""#).grant else {
        panic!()
    };
    let Assertion { algorithm, key, audience, lifetime, .. } = *assertion;
    assert_eq!((algorithm.as_str(), key.expose()), ("RS256", "PK"));
    assert_eq!((audience.as_str(), lifetime.as_secs()), ("https://id.example/token", 300));
}

#[test]
fn a_login_has_secrets_escaped_for_where_they_stand() {
    let json = login(
        r#","url":"/session","body":{"user":"ann","password":"{{secret:other \"&+}}"},"token":{"pointer":"/a/b"}"#,
    );
    assert_eq!(json.url.as_str(), "https://api.example/v1/session");
    assert_eq!((json.method, json.token), (http::Method::POST, TokenPlace::Pointer("/a/b".into())));
    let (content_type, body) = json.body.unwrap();
    let body: Value = serde_json::from_str(body.expose()).unwrap();
    assert_eq!((content_type, &body["password"]), ("application/json", &Value::from("O \"&+")));

    let form = login(
        r#","url":"https://api.example/login","method":"put","form":{"p":"{{secret:other \"&+}}"},"token":{"cookie":"sid"},
           "lifetime":60,"renewOn":["403",419],"send":{"header":"X-Session","template":"{token}"}"#,
    );
    assert_eq!(form.body.unwrap().1.expose(), "p=O+%22%26%2B");
    assert_eq!((form.method, form.token), (http::Method::PUT, TokenPlace::Cookie("sid".into())));
    assert_eq!((form.lifetime, form.renew_on), (Some(Duration::from_secs(60)), vec![403, 419]));
    assert_eq!(form.send.header, "X-Session");
}

#[test]
fn what_cannot_be_meant_is_told_with_its_key() {
    for (settings, expected) in [
        (r#"{"type":"magic"}"#, "jsonData.authentication.type must be one of bearer, apiKey"),
        ("{}", "jsonData.authentication.type must be one of"),
        ("7", "jsonData.authentication is a number"),
        (r#"{"type":"apiKey"}"#, "jsonData.authentication.name is not set"),
        (r#"{"type":"apiKey","name":"x","in":"body"}"#, "jsonData.authentication.in must be"),
        (r#"{"type":"oauth2"}"#, "jsonData.authentication.tokenUrl is not set"),
        (r#"{"type":"oauth2","tokenUrl":"id.example"}"#, "tokenUrl must be a URL such as"),
        (r#"{"type":"oauth2","tokenUrl":"https://a:b@id.example/"}"#, "without a password"),
        (
            r#"{"type":"oauth2","tokenUrl":"https://id.example/","grant":"implicit"}"#,
            "grant must be one of clientCredentials",
        ),
        (
            r#"{"type":"oauth2","tokenUrl":"https://id.example/","clientId":"c","tokenTemplate":"Bearer"}"#,
            "tokenTemplate must be a text with '{token}' in it",
        ),
        (
            r#"{"type":"login","url":"/x","token":{"header":"a"},"renewOn":["soon"]}"#,
            "renewOn must be statuses such as [403]",
        ),
        (r#"{"type":"login","url":"https://other.example/"}"#, "a URL of the same host"),
        (r#"{"type":"login","url":"/x","token":{"pointer":"token"}}"#, "token must be an object"),
        (
            r#"{"type":"login","url":"/x","token":{"header":"a","cookie":"b"}}"#,
            "token must be an object",
        ),
        (
            r#"{"type":"login","url":"/x","token":{"header":"a"},"body":"{{secret:nobody}}"}"#,
            "the authentication needs the secret 'nobody'",
        ),
    ] {
        let problem = problem(settings);
        assert!(problem.contains(expected), "{settings}: {problem}");
    }
    let missing = with(r#""authentication":{"type":"bearer"}"#, &[]).unwrap_err().to_string();
    assert!(missing.contains("'authToken'"), "{missing}");
    let two = r#""sigV4Auth":true,"authentication":{"type":"bearer"}"#;
    assert_eq!(with(two, &SECRETS).unwrap_err(), Error::TwoAuthentications);
}

#[test]
fn two_proofs_in_one_header_are_one_too_many() {
    let basic = r#""basicAuth":true,"basicAuthUser":"ann""#;
    let both =
        |given: &str| with(&format!("{basic},\"authentication\":{given}"), &SECRETS).map(|_ok| ());
    let taken = Err(Error::BasicAndAuthentication);
    for (given, expected) in [
        (r#"{"type":"bearer"}"#, taken.clone()),
        (r#"{"type":"digest","user":"ann"}"#, taken.clone()),
        (r#"{"type":"apiKey","name":"authorization"}"#, taken.clone()),
        (r#"{"type":"apiKey","name":"X-Key"}"#, Ok(())),
        (r#"{"type":"apiKey","name":"key","in":"query"}"#, Ok(())),
        (r#"{"type":"login","url":"/x","token":{"pointer":"/t"}}"#, taken),
        (r#"{"type":"login","url":"/x","token":{"cookie":"t"}}"#, Ok(())),
    ] {
        assert_eq!(both(given), expected, "{given}");
    }
}

fn sigv4_of(more: &str) -> Result<SigV4, Error> {
    match with(&format!("\"sigV4Auth\":true{more}"), &SECRETS)? {
        Authentication::SigV4(sigv4) => Ok(*sigv4),
        other => panic!("{other:?}"),
    }
}

#[test]
fn signatures_have_the_keys_of_other_data_sources() {
    let plain = sigv4_of(r#","sigV4Region":"eu-central-1""#).unwrap();
    assert_eq!(plain.sts_url.as_str(), "https://sts.eu-central-1.amazonaws.com/");
    assert_eq!((plain.service.as_str(), plain.role), ("execute-api", None));
    let china = sigv4_of(r#","sigV4Region":"cn-north-1""#).unwrap();
    assert_eq!(china.sts_url.host_str(), Some("sts.cn-north-1.amazonaws.com.cn"));
    let role = r#","sigV4Region":"r","sigV4AssumeRoleArn":"arn:x","sigV4ExternalId":"e""#;
    let expected = Role { arn: "arn:x".to_owned(), external_id: "e".to_owned() };
    assert_eq!(sigv4_of(role).unwrap().role, Some(expected));
    for (more, expected) in [
        ("", "sigV4Region is not set"),
        (r#","sigV4Region":"evil.example/#""#, "sigV4Region must be a region"),
        (r#","sigV4Region":"r","sigV4AuthType":"ec2_iam_role""#, "cannot find AWS keys by itself"),
        (
            r#","sigV4Region":"r","sigV4AuthType":"webIdentity""#,
            "without AWS_WEB_IDENTITY_TOKEN_FILE",
        ),
    ] {
        let problem = sigv4_of(more).unwrap_err().to_string();
        assert!(problem.contains(expected), "{more}: {problem}");
    }
}

fn data(text: &str) -> JsonData<'_> {
    JsonData::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_identity_of_grafanas_machine_is_its_admins_to_lend() {
    let variables = |name: &str| match name {
        "AWS_WEB_IDENTITY_TOKEN_FILE" => Some("/run/token".to_owned()),
        "AWS_ENDPOINT_URL_STS" => Some("https://sts.example/".to_owned()),
        _ => None,
    };
    let (keys, arn, url) = web_identity(&data("{}"), variables).unwrap();
    assert!(matches!(keys, AwsKeys::WebIdentity { file } if file.as_os_str() == "/run/token"));
    assert_eq!((arn, url.unwrap().as_str()), (None, "https://sts.example/"));
    // Neither where the token is nor who sees it is for a data source to say.
    let own = data(r#"{"sigV4StsUrl":"https://evil.example/"}"#);
    let problem = web_identity(&own, variables).unwrap_err().to_string();
    assert!(problem.contains("a token service that a data source names"), "{problem}");
}
