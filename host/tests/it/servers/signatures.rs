//! AWS's signatures, checked by AWS's own code.

use std::fs;

use graft_launch::{Datasource, Plugin, Query};
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{answer, failure, shown};
use crate::support::servers::Script;
use crate::support::{Folder, frames, plugin};

fn server() -> Option<Script> {
    let keys = json!({
        "AKIDUSER": ["user/secret+key", ""],
        "ASIATEMP": ["temporary", "session+token/=="],
        "ASIAROLE": ["of the role", "the role's token"],
    });
    Script::sigv4(&["eu-central-1", &keys.to_string(), "an identity"])
}

fn signed(uid: &str, server: &Script, path: &str, more: &Value) -> Datasource {
    let mut settings = json!({
        "sigV4Auth": true, "sigV4AuthType": "keys", "sigV4Region": "eu-central-1",
        "sigV4StsUrl": server.url("sts"),
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shown(uid, &format!("{}{path}", server.url("url")), &settings)
}

fn by_keys(datasource: Datasource, id: &str, secret: &str) -> Datasource {
    datasource.secret("sigV4AccessKey", id).secret("sigV4SecretKey", secret)
}

#[tokio::test]
async fn aws_takes_what_is_signed_with_keys_whatever_is_asked() {
    let Some(server) = server() else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    for (uid, path, service) in [
        ("a", "", "execute-api"),
        ("b", "/a%20b/%C3%BC/c+d", "es"),
        ("c", "/x/~y/", "aps"),
        ("d", "/a%20b", "s3"),
    ] {
        let datasource = signed(uid, &server, path, &json!({"sigV4Service": service}));
        let seen = answer(&plugin, &by_keys(datasource, "AKIDUSER", "user/secret+key")).await;
        assert!(seen.contains("200 "), "{path}: {seen}");
    }
    let temporary = by_keys(signed("e", &server, "", &json!({})), "ASIATEMP", "temporary");
    let temporary = temporary.secret("sigV4SessionToken", "session+token/==");
    assert!(answer(&plugin, &temporary).await.contains("200 "));
    assert!(posts(&plugin, &temporary.secret("apiKey", "k")).await.contains("200 "));

    let wrong = by_keys(signed("f", &server, "", &json!({})), "AKIDUSER", "another");
    let refused = answer(&plugin, &wrong).await;
    assert!(refused.contains("403 ") && refused.contains("The signature is not"), "{refused}");
}

/// What is answered to requests with bodies, headers and parameters.
async fn posts(plugin: &Plugin, datasource: &Datasource) -> String {
    let query = Query::new("A", json!({"behaviour": "send-secrets"}));
    let response = plugin.query_data(datasource.query_data([query])).await.unwrap();
    let table = frames(&response, "A")[0].table().unwrap();
    assert!(!table.contains("403 "), "{table}");
    table
}

#[tokio::test]
async fn a_role_is_assumed_with_keys_or_with_an_identity() {
    let Some(server) = server() else { return };
    let files = tempdir().unwrap();
    let file = files.path().join("token");
    let folder = Folder::with(&["fixtures/odd"]);
    // The machine's identity is its admin's to lend.
    let launch = folder.launch().variable("AWS_WEB_IDENTITY_TOKEN_FILE", &file);
    let launch = launch.variable("AWS_ENDPOINT_URL_STS", server.url("sts"));
    let plugin = Plugin::launch(launch).await.unwrap();
    let role = json!({"sigV4AssumeRoleArn": "arn:aws:iam::123456789012:role/ASIAROLE"});
    let by_key = by_keys(signed("a", &server, "", &role), "AKIDUSER", "user/secret+key");
    let seen = answer(&plugin, &by_key).await;
    assert!(seen.contains("200 "), "{seen}");

    fs::write(&file, "an identity\n").unwrap();
    let with_file = |uid: &str| {
        let mut settings = role.clone();
        settings["sigV4AuthType"] = json!("webIdentity");
        settings["sigV4StsUrl"] = Value::Null;
        signed(uid, &server, "", &settings)
    };
    let seen = answer(&plugin, &with_file("b")).await;
    assert!(seen.contains("200 "), "{seen}");

    fs::write(&file, "another").unwrap();
    let (status, source, sentence) = failure(&plugin, &with_file("c")).await;
    assert_eq!((status, source.as_str()), (400, "downstream"), "{sentence}");
    assert!(sentence.contains("Nobody knows that token."), "{sentence}");
    fs::remove_file(&file).unwrap();
    let (_status, _source, sentence) = failure(&plugin, &with_file("d")).await;
    assert!(sentence.contains("AWS_WEB_IDENTITY_TOKEN_FILE"), "{sentence}");

    let mut elsewhere = role.clone();
    elsewhere["sigV4AuthType"] = json!("webIdentity");
    let (status, _source, sentence) = failure(&plugin, &signed("e", &server, "", &elsewhere)).await;
    assert_eq!(status, 400, "{sentence}");
    assert!(sentence.contains("a token service that a data source names"), "{sentence}");
}
