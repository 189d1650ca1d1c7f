//! go-plugin's AutoMTLS. Grafana leaves it off; other programs that run plugins do not.

use graft_launch::{Address, Datasource, Plugin, Query};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::support::{Folder, frames};

#[tokio::test]
async fn both_networks_serve_mutual_tls_on_every_connection() {
    for network in ["unix", "tcp"] {
        let folder = Folder::with(&["fixtures/odd"]);
        let launch = folder.launch().setting("network", network).mutual_tls();
        let plugin = Plugin::launch(launch).await.unwrap();
        assert!(plugin.handshake().certificate.is_some());
        plugin.connect().await.unwrap();
        let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
        let query = Query::new("A", json!({"behaviour": "answer"}));
        let response = plugin.query_data(odd.query_data([query])).await.unwrap();
        assert_eq!(frames(&response, "A").len(), 1);
        assert!(plugin.shutdown().await.unwrap().status.success());
    }
}

#[tokio::test]
async fn nobody_is_heard_in_plain_text() {
    /// The record type of an alert, TLS's last word (RFC 8446, section 5.1).
    const ALERT: u8 = 21;
    let folder = Folder::with(&[]);
    let plugin = Plugin::launch(folder.launch().mutual_tls()).await.unwrap();
    let Address::Unix(socket) = &plugin.handshake().address else { panic!("no socket") };
    let mut plain = UnixStream::connect(socket).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.first(), Some(&ALERT), "{answer:?}");
    assert!(plugin.logged(|line| line.says("mutual TLS failed")).await.is_some());
    plugin.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_client_certificate_that_is_none_ends_the_start() {
    let folder = Folder::with(&[]);
    let launched = Plugin::launch(folder.launch().variable("PLUGIN_CLIENT_CERT", "yes")).await;
    let Err(failed) = launched else { panic!("it started") };
    let line = failed.log.iter().find(|line| line.says("PLUGIN_CLIENT_CERT is set"));
    assert!(line.is_some_and(|line| line.says("0 certificates")), "{failed}");
}
