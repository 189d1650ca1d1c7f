//! tinyproxy from the environment, and Grafana's secure SOCKS proxy as microsocks behind nginx.

use std::collections::HashMap;
use std::fs;

use graft_launch::{Datasource, Plugin};
use serde_json::json;
use tempfile::tempdir;

use super::tls::Authority;
use super::{answer, failure, shown, steps};
use crate::support::servers::{Microsocks, Nginx, Tinyproxy};
use crate::support::{Answer, Api, Folder, plugin};

#[tokio::test]
async fn the_environments_proxy_is_used_for_what_is_not_this_machine() {
    // The next proxy, which sees what tinyproxy was asked for.
    let api = Api::start(|seen| Answer::json(format!("{:?}", seen.line))).await;
    let upstream = api.url.strip_prefix("http://").unwrap();
    let Some(proxy) = Tinyproxy::start("ann", "sesame", upstream) else { return };
    let folder = Folder::with(&["fixtures/odd"]);
    let launched = async |password: &str| {
        let at = format!("http://ann:{password}@127.0.0.1:{}", proxy.port);
        let launch =
            folder.launch().variable("HTTP_PROXY", at).variable("NO_PROXY", "inside.example");
        Plugin::launch(launch).await.unwrap()
    };
    let plugin = launched("sesame").await;
    let far = shown("a", "http://api.example/v1", &json!({}));
    let seen = answer(&plugin, &far).await;
    assert!(seen.contains("200 ") && seen.contains("GET http://api.example"), "{seen}");
    let (steps, text) = steps(&plugin, &far).await;
    assert_eq!(steps[0], ("Way".to_owned(), true), "{text}");
    // This machine is asked without it.
    let near = answer(&plugin, &shown("b", &api.url, &json!({}))).await;
    assert!(near.contains("GET /"), "{near}");

    let plugin = launched("barley").await;
    let refused = answer(&plugin, &far).await;
    // tinyproxy says it in its own way.
    assert!(refused.contains("401 ") && refused.contains("tinyproxy"), "{refused}");
    assert!(!refused.contains("barley"), "{refused}");
}

/// A data source that goes through the SOCKS proxy at a port, with what Grafana's own admin configured.
fn through(uid: &str, url: &str, port: u16, password: &str, more: &[(&str, &str)]) -> Datasource {
    let settings = json!({"enableSecureSocksProxy": true, "secureSocksProxyUsername": "ann"});
    let mut datasource = shown(uid, url, &settings).secret("secureSocksProxyPassword", password);
    let address = format!("127.0.0.1:{port}");
    let own = [
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_SERVER_ENABLED", "true"),
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_PROXY_ADDRESS", &address),
    ];
    let configuration: HashMap<_, _> = own.iter().chain(more).copied().collect();
    let configuration =
        configuration.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    datasource.context.grafana_config.extend(configuration);
    datasource
}

#[tokio::test]
async fn the_secure_socks_proxy_may_be_without_tls_if_grafanas_admin_says_so() {
    let Some(socks) = Microsocks::start("ann", "sesame") else { return };
    let api = Api::start(|seen| Answer::json(format!("{:?}", seen.line))).await;
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let insecure = [("GF_SECURE_SOCKS_DATASOURCE_PROXY_ALLOW_INSECURE", "true")];
    let right = through("a", &api.url, socks.port, "sesame", &insecure);
    let seen = answer(&plugin, &right).await;
    assert!(seen.contains("200 "), "{seen}");
    let wrong = through("b", &api.url, socks.port, "barley", &insecure);
    let (status, source, sentence) = failure(&plugin, &wrong).await;
    assert_eq!((status, source.as_str()), (502, "downstream"), "{sentence}");
    assert_eq!(api.lines().len(), 1);
}

#[tokio::test]
async fn the_secure_socks_proxy_is_asked_by_tls_with_a_client_certificate() {
    let Some(socks) = Microsocks::start("ann", "sesame") else { return };
    let authority = Authority::new("proxy");
    let server = authority.issue("proxy.example");
    let files = [
        ("server.pem", server.certificate.as_bytes()),
        ("server.key", server.key.as_bytes()),
        ("authority.pem", &authority.pem().into_bytes()),
    ];
    let unwrapped = format!(
        "listen ssl; ssl_protocols TLSv1.3; ssl_certificate folder/server.pem; ssl_certificate_key folder/server.key; \
         ssl_client_certificate folder/authority.pem; ssl_verify_client on; proxy_pass 127.0.0.1:{};",
        socks.port
    );
    let Some(nginx) = Nginx::unwrapping(&files, &unwrapped) else { return };
    let api = Api::start(|seen| Answer::json(format!("{:?}", seen.line))).await;
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let client = authority.issue("client");
    let authority_file = authority.pem();
    // What Grafana sends is contents; older versions send paths.
    let folder = tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let paths = ["ca", "cert", "key"].map(|name| folder.path().join(name).display().to_string());
    path("ca", &authority_file);
    path("cert", &client.certificate);
    path("key", &client.key);
    let by_content = [
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_SERVER_NAME", "proxy.example"),
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_ROOT_CA_CERT_VALS", &authority_file),
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_CLIENT_CERT_VAL", &client.certificate),
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_CLIENT_KEY_VAL", &client.key),
    ];
    let by_path = [
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_SERVER_NAME", "proxy.example"),
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_ROOT_CA_CERT", &paths[0]),
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_CLIENT_CERT", &paths[1]),
        ("GF_SECURE_SOCKS_DATASOURCE_PROXY_CLIENT_KEY", &paths[2]),
    ];
    for (uid, given) in [("a", &by_content), ("b", &by_path)] {
        let seen = answer(&plugin, &through(uid, &api.url, nginx.port, "sesame", given)).await;
        assert!(seen.contains("200 "), "{seen}");
    }
    assert_eq!(api.lines().len(), 2);

    let wrong_password = through("c", &api.url, nginx.port, "barley", &by_content);
    let (status, _source, sentence) = failure(&plugin, &wrong_password).await;
    assert_eq!(status, 502, "{sentence}");
    assert!(sentence.contains("does not take the user name and password"), "{sentence}");
    let stranger = Authority::new("stranger").issue("client");
    let mut strangers = by_content;
    strangers[2].1 = &stranger.certificate;
    strangers[3].1 = &stranger.key;
    let (status, _source, sentence) =
        failure(&plugin, &through("d", &api.url, nginx.port, "sesame", &strangers)).await;
    assert_eq!(status, 502, "{sentence}");
    assert!(sentence.contains("secure SOCKS proxy"), "{sentence}");
    assert_eq!(api.lines().len(), 2, "nothing goes around the proxy");
}
