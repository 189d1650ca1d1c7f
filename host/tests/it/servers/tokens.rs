//! OAuth2 with a token server of its own, and an API that verifies its tokens.

use futures_util::future::join_all;
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::{answer, ask, failure, shown, steps};
use crate::support::servers::Script;
use crate::support::{frames, plugin};

const SECRET: &str = "s3cret +/=";

fn server() -> Option<Script> {
    Script::oauth2(&["graft", SECRET, "sesame", "first refresh token"])
}

/// How tokens are had, besides what all ways have in common.
fn oauth2(server: &Script, more: &Value) -> Value {
    let mut authentication =
        json!({"type": "oauth2", "tokenUrl": server.url("token"), "clientId": "graft"});
    authentication.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"authentication": authentication})
}

#[tokio::test]
async fn tokens_are_had_in_each_way_that_the_server_knows() {
    let Some(server) = server() else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    for (uid, way, expected) in [
        ("a", json!({"scopes": ["read", "more"]}), "read more"),
        ("b", json!({"authStyle": "body", "scopes": "one"}), "one"),
        ("c", json!({"authStyle": "header"}), "200 "),
        ("d", json!({"grant": "password", "user": "ann"}), r#""sub":"ann""#),
        ("e", json!({"grant": "refreshToken"}), "johndoe"),
    ] {
        let datasource = shown(uid, server.url("url"), &oauth2(&server, &way))
            .secret("authClientSecret", SECRET)
            .secret("authPassword", "sesame")
            .secret("authRefreshToken", "first refresh token");
        let seen = answer(&plugin, &datasource).await;
        assert!(seen.contains("200 ") && seen.contains(expected), "{uid}: {seen}");
    }
}

#[tokio::test]
async fn a_signed_assertion_is_taken_for_a_token_and_one_by_another_key_is_not() {
    let key = KeyPair::generate().unwrap();
    let public = key.public_key_pem();
    let Some(server) = Script::oauth2(&["graft", SECRET, "sesame", "", &public]) else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let by = |uid: &str, key: &KeyPair| {
        let authentication = json!({
            "type": "oauth2", "grant": "jwtBearer", "tokenUrl": format!("{}/assertion", server.url("url")),
            "algorithm": "ES256", "keyId": "first", "issuer": "graft@example", "subject": "ann",
        });
        shown(uid, server.url("url"), &json!({ "authentication": authentication }))
            .secret("authPrivateKey", &key.serialize_pem())
    };
    let seen = answer(&plugin, &by("a", &key)).await;
    let expected = r#""sub":"ann","scope":"urn:ietf:params:oauth:grant-type:jwt-bearer first""#;
    assert!(seen.contains("200 ") && seen.contains(expected), "{seen}");
    let stranger = KeyPair::generate().unwrap();
    let (status, _source, sentence) = failure(&plugin, &by("b", &stranger)).await;
    assert_eq!(status, 400, "{sentence}");
    assert!(sentence.contains("signature verification failed"), "{sentence}");
}

#[tokio::test]
async fn many_queries_that_wait_for_a_token_ask_for_one() {
    let Some(server) = server() else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let datasource = shown("a", server.url("url"), &oauth2(&server, &json!({"authStyle": "body"})))
        .secret("authClientSecret", SECRET);
    let answers = join_all((0..20).map(|_query| ask(&plugin, &datasource))).await;
    for response in answers {
        let table = frames(&response, "A")[0].table().unwrap();
        assert!(table.contains(r#""requests":1}"#), "{table}");
    }
}

#[tokio::test]
async fn what_the_token_server_refuses_is_told_with_its_words() {
    let Some(server) = server() else { return };
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let wrong_secret = shown("a", server.url("url"), &oauth2(&server, &json!({})))
        .secret("authClientSecret", "wrong secret");
    let (status, source, sentence) = failure(&plugin, &wrong_secret).await;
    assert_eq!((status, source.as_str()), (401, "downstream"), "{sentence}");
    let words = "invalid_client: Nobody is called graft.";
    assert!(sentence.contains(words) && !sentence.contains("wrong secret"), "{sentence}");
    let (steps, text) = steps(&plugin, &wrong_secret).await;
    assert!(steps.contains(&("Answered".to_owned(), false)) && text.contains(words), "{text}");

    let wrong_password = json!({"grant": "password", "user": "ann"});
    let wrong_password = shown("b", server.url("url"), &oauth2(&server, &wrong_password))
        .secret("authClientSecret", SECRET)
        .secret("authPassword", "barley");
    let (status, _source, sentence) = failure(&plugin, &wrong_password).await;
    assert_eq!(status, 400, "{sentence}");
    assert!(sentence.contains("The password is wrong."), "{sentence}");
}
