//! nginx with TLS, client certificates and passwords; slow answers and answers that end too soon.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use serde_json::json;

use super::{answer, failure, shown, steps};
use crate::support::plugin;
use crate::support::servers::{Apache, Nginx};

/// A certificate and its key, PEM.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Who issues certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        parameters.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn issue(&self, name: &str) -> Issued {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// nginx by TLS, whose certificate is for `name`.
fn secure(name: &str, authority: &Authority, more: &str) -> Option<Nginx> {
    let server = authority.issue(name);
    let files = [
        ("server.pem", server.certificate.as_bytes()),
        ("server.key", server.key.as_bytes()),
        ("authority.pem", &authority.pem().into_bytes()),
        ("index.html", b"[\"here\"]"),
    ];
    let server = format!(
        "listen ssl; root folder/; ssl_certificate folder/server.pem; ssl_certificate_key folder/server.key; {more}"
    );
    Nginx::start(&files, &server)
}

#[tokio::test]
async fn an_own_authority_is_trusted_if_the_admin_says_so_and_none_other_is() {
    let authority = Authority::new("own");
    let Some(nginx) = secure("127.0.0.1", &authority, "") else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let url = format!("https://127.0.0.1:{}", nginx.port);

    let with_authority = json!({"tlsAuthWithCACert": true});
    let trusted = shown("a", &url, &with_authority).secret("tlsCACert", &authority.pem());
    assert!(answer(&plugin, &trusted).await.contains(r#"200 ["here"]"#));
    let (steps, text) = steps(&plugin, &trusted).await;
    let names = ["Connected", "TLS", "Authenticated", "Answered", "Understood"];
    assert_eq!(steps, names.map(|name| (name.to_owned(), true)), "{text}");
    assert!(text.contains("the certificate holds for"), "{text}");

    let stranger = Authority::new("stranger").pem();
    for untrusted in [
        shown("b", &url, &with_authority).secret("tlsCACert", &stranger),
        shown("c", &url, &json!({})),
    ] {
        let (status, source, sentence) = failure(&plugin, &untrusted).await;
        assert_eq!((status, source.as_str()), (502, "downstream"), "{sentence}");
        assert!(sentence.contains("certificate"), "{sentence}");
        let (steps, text) = super::steps(&plugin, &untrusted).await;
        assert_eq!(
            steps[..2],
            [("Connected".to_owned(), true), ("TLS".to_owned(), false)],
            "{text}"
        );
    }
    let skipped = shown("d", &url, &json!({"tlsSkipVerify": true}));
    assert!(answer(&plugin, &skipped).await.contains("200 "));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_taken_if_the_admin_says_which() {
    let authority = Authority::new("own");
    let Some(nginx) = secure("inside.example", &authority, "") else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let url = format!("https://127.0.0.1:{}", nginx.port);
    let named = |uid: &str, name: &str| {
        let settings = json!({"tlsAuthWithCACert": true, "serverName": name});
        shown(uid, &url, &settings).secret("tlsCACert", &authority.pem())
    };
    let seen = answer(&plugin, &named("a", "inside.example")).await;
    assert!(seen.contains("200 "), "{seen}");
    let (status, _source, sentence) = failure(&plugin, &named("b", "outside.example")).await;
    assert_eq!(status, 502, "{sentence}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks_for_it() {
    let authority = Authority::new("own");
    let verify = "ssl_client_certificate folder/authority.pem; ssl_verify_client on;";
    let Some(nginx) = secure("127.0.0.1", &authority, verify) else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let url = format!("https://127.0.0.1:{}", nginx.port);
    let settings = json!({"tlsAuthWithCACert": true, "tlsAuth": true});
    let Issued { certificate, key } = authority.issue("client");
    let with_certificate = shown("a", &url, &settings)
        .secret("tlsCACert", &authority.pem())
        .secret("tlsClientCert", &certificate)
        .secret("tlsClientKey", &key);
    let seen = answer(&plugin, &with_certificate).await;
    assert!(seen.contains("200 "), "{seen}");
    let (steps, text) = steps(&plugin, &with_certificate).await;
    assert!(steps.iter().all(|(_name, ok)| *ok), "{text}");
    assert!(text.contains("Authenticated: OK (with the client's certificate)"), "{text}");

    let without =
        shown("b", &url, &json!({"tlsAuthWithCACert": true})).secret("tlsCACert", &authority.pem());
    let seen = answer(&plugin, &without).await;
    assert!(seen.contains("400 ") && seen.contains("No required SSL certificate"), "{seen}");
}

#[tokio::test]
async fn a_password_is_taken_and_a_wrong_one_is_told_step_by_step() {
    let users = b"ann:{PLAIN}open sesame\n";
    let files = [("users", users.as_slice()), ("index.html", b"[]")];
    let server = "listen; root folder/; auth_basic here; auth_basic_user_file folder/users;";
    let Some(nginx) = Nginx::start(&files, server) else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let url = format!("http://127.0.0.1:{}", nginx.port);
    let right = shown("a", &url, &json!({})).basic_auth("ann", "open sesame");
    assert!(answer(&plugin, &right).await.contains("200 []"));
    let wrong = shown("b", &url, &json!({})).basic_auth("ann", "open barley");
    assert!(answer(&plugin, &wrong).await.contains("401 "));
    let (steps, text) = steps(&plugin, &wrong).await;
    assert!(steps.contains(&("Authenticated".to_owned(), false)), "{text}");
    let words = "answers with status 401 to basic authentication";
    assert!(text.contains(words) && !text.contains("barley"), "{text}");
}

#[tokio::test]
async fn a_challenge_of_apaches_is_answered() {
    // As htdigest writes it for the password "open sesame".
    let users = "ann:here:5d9fd43b4e4f279fd57bcd0af39f46f5\n";
    let Some(apache) = Apache::with_digests(users, "[]") else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let url = format!("http://127.0.0.1:{}", apache.port);
    let digest = json!({"authentication": {"type": "digest", "user": "ann"}});
    let right = shown("a", &url, &digest).secret("authPassword", "open sesame");
    // The second with what the first was challenged by.
    for _twice in 0..2 {
        assert!(answer(&plugin, &right).await.contains("200 []"));
    }
    let wrong = shown("b", &url, &digest).secret("authPassword", "open barley");
    assert!(answer(&plugin, &wrong).await.contains("401 "));
}

#[tokio::test]
async fn what_is_slow_or_cut_off_is_a_sentence_and_not_half_of_the_data() {
    // What nginx stands before: it promises more than it sends.
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let behind = upstream.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in upstream.incoming() {
            let mut stream = stream.unwrap();
            let _asked = stream.read(&mut [0; 1024]);
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n[\"half";
            let _sent = stream.write_all(head.as_bytes());
        }
    });
    let large = vec![b' '; 1 << 20];
    let files = [("index.html", large.as_slice())];
    let server = format!(
        "listen; root folder/; limit_rate 1k; location /cut/ {{ proxy_pass http://{behind}; }}"
    );
    let Some(nginx) = Nginx::start(&files, &server) else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let url = format!("http://127.0.0.1:{}", nginx.port);

    let slow = shown("a", &url, &json!({"timeout": 1}));
    let (status, source, sentence) = failure(&plugin, &slow).await;
    assert_eq!((status, source.as_str()), (504, "downstream"), "{sentence}");
    assert!(sentence.contains("raise 'Timeout'"), "{sentence}");
    let cut = shown("b", &format!("{url}/cut"), &json!({}));
    let (status, source, sentence) = failure(&plugin, &cut).await;
    assert_eq!((status, source.as_str()), (502, "downstream"), "{sentence}");
    assert!(sentence.contains("1000"), "{sentence}");
}
