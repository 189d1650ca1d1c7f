//! `jsonData.authentication`, and the keys by which Grafana's other plugins know AWS signatures: from what an admin wrote to how requests
//! are proved.
//!
//! Secrets are in secureJsonData: `authToken`, `authApiKey`, `authPassword`, `authClientSecret`, `authRefreshToken`, `authPrivateKey`, and
//! whatever `{{secret:name}}` names.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use super::json_data::JsonData;
use super::{Error, RawSettings, printable};
use crate::egress::{
    Assertion, AuthStyle, Authentication, AwsKeys, Grant, Login, OAuth2, Role, SendAs, SigV4,
    TokenPlace,
};
use crate::model::Secret;

/// How long an assertion holds if nobody says.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(300);
const TYPES: &str = "one of bearer, apiKey, digest, oauth2, login";

/// What the settings say; `base` is the data source's URL.
pub(super) fn of(
    raw: &RawSettings,
    json_data: &JsonData<'_>,
    base: Option<&Url>,
) -> Result<Authentication, Error> {
    let given = json_data.object("authentication")?;
    if json_data.is_on("sigV4Auth")? {
        return match given {
            None => sigv4(raw, json_data, base).map(|sigv4| Authentication::SigV4(Box::new(sigv4))),
            Some(_other) => Err(Error::TwoAuthentications),
        };
    }
    let Some(given) = given else { return Ok(Authentication::None) };
    let reader = Reader { raw, given: &given };
    match given.text_of("type")? {
        Some("bearer") => Ok(Authentication::Bearer { token: reader.secret("authToken")? }),
        Some("apiKey") => reader.api_key(),
        Some("digest") => Ok(Authentication::Digest {
            user: reader.text("user")?,
            password: reader.secret("authPassword")?,
        }),
        Some("oauth2") => reader.oauth2().map(|it| Authentication::OAuth2(Box::new(it))),
        Some("login") => reader.login(base).map(|it| Authentication::Login(Box::new(it))),
        _ => Err(reader.must_be("type", TYPES)),
    }
}

/// The object, and the secrets that belong to it.
struct Reader<'a> {
    raw: &'a RawSettings,
    given: &'a JsonData<'a>,
}

impl Reader<'_> {
    fn api_key(&self) -> Result<Authentication, Error> {
        let (name, key) = (self.text("name")?, self.secret("authApiKey")?);
        match self.given.text_of("in")? {
            None | Some("header") => {
                let prefix = self.given.text_of("prefix")?.unwrap_or_default();
                let value = Secret::new(format!("{prefix}{}", key.expose()));
                Ok(Authentication::HeaderKey { name, value })
            }
            Some("query") => Ok(Authentication::ParameterKey { name, key }),
            Some(_other) => Err(self.must_be("in", "'header' or 'query'")),
        }
    }

    fn oauth2(&self) -> Result<OAuth2, Error> {
        let token_url = self.url("tokenUrl")?;
        let grant = match self.given.text_of("grant")? {
            None | Some("clientCredentials") => Grant::ClientCredentials,
            Some("password") => {
                Grant::Password { user: self.text("user")?, password: self.secret("authPassword")? }
            }
            Some("refreshToken") => Grant::RefreshToken(self.secret("authRefreshToken")?),
            Some("jwtBearer") => Grant::JwtBearer(Box::new(self.assertion(&token_url)?)),
            Some(_other) => {
                let grants = "one of clientCredentials, password, refreshToken, jwtBearer";
                return Err(self.must_be("grant", grants));
            }
        };
        let style = match self.given.text_of("authStyle")? {
            None | Some("auto") => AuthStyle::Auto,
            Some("header") => AuthStyle::Header,
            Some("body") => AuthStyle::Body,
            Some(_other) => return Err(self.must_be("authStyle", "one of auto, header, body")),
        };
        let client_id = match grant {
            Grant::ClientCredentials => self.text("clientId")?,
            _ => self.optional("clientId")?,
        };
        Ok(OAuth2 {
            client_secret: match grant {
                Grant::ClientCredentials => Some(self.secret("authClientSecret")?),
                _ => self.raw.secret("authClientSecret"),
            },
            grant,
            token_url,
            client_id,
            style,
            scopes: self
                .given
                .list("scopes")?
                .iter()
                .flat_map(|it| it.split(' '))
                .map(str::to_owned)
                .collect(),
            parameters: self.filled("parameters")?,
            headers: self.filled("headers")?,
            send: SendAs {
                header: self
                    .given
                    .text_of("tokenHeader")?
                    .map_or_else(|| SendAs::default().header, str::to_owned),
                template: self.template("tokenTemplate")?,
            },
        })
    }

    fn assertion(&self, token_url: &Url) -> Result<Assertion, Error> {
        let audience = self.optional("audience")?;
        Ok(Assertion {
            algorithm: self.given.text_of("algorithm")?.unwrap_or("RS256").to_owned(),
            key: self.secret("authPrivateKey")?,
            key_id: self.optional("keyId")?,
            issuer: self.text("issuer")?,
            subject: self.optional("subject")?,
            audience: if audience.is_empty() { token_url.to_string() } else { audience },
            lifetime: self.given.seconds("lifetime").unwrap_or(ASSERTION_LIFETIME),
        })
    }

    fn login(&self, base: Option<&Url>) -> Result<Login, Error> {
        let url = self.login_url(base)?;
        let method = self.given.text_of("method")?.unwrap_or("POST").to_ascii_uppercase();
        let method = http::Method::from_bytes(method.as_bytes())
            .map_err(|_none| self.must_be("method", "a method such as 'POST'"))?;
        let token = self.given.object("token")?.unwrap_or_default();
        let place = |key| Ok::<_, Error>(token.text_of(key)?.map(str::to_owned));
        let token = match (place("pointer")?, place("header")?, place("cookie")?) {
            (Some(pointer), None, None) if pointer.starts_with('/') => TokenPlace::Pointer(pointer),
            (None, Some(header), None) => TokenPlace::Header(header),
            (None, None, Some(cookie)) => TokenPlace::Cookie(cookie),
            _ => {
                let places = "an object with one of pointer (a JSON Pointer such as '/token'), header, cookie";
                return Err(self.must_be("token", places));
            }
        };
        let send = self.given.object("send")?.unwrap_or_default();
        let default = SendAs::default();
        Ok(Login {
            url,
            method,
            headers: self.filled("headers")?,
            body: self.body()?,
            token,
            expires_in: self.given.text_of("expiresIn")?.map(str::to_owned),
            lifetime: self.given.seconds("lifetime"),
            send: SendAs {
                header: send.text_of("header")?.map_or(default.header, str::to_owned),
                template: send.text_of("template")?.map_or(default.template, str::to_owned),
            },
            renew_on: self.statuses("renewOn")?,
        })
    }

    /// Statuses as numbers, or as texts.
    fn statuses(&self, key: &str) -> Result<Vec<u16>, Error> {
        let status = |value: &Value| match value {
            Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let statuses = match self.given.value(key) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(statuses)) => statuses.iter().map(status).collect(),
            Some(one) => status(one).map(|status| vec![status]),
        };
        statuses.ok_or_else(|| self.must_be(key, "statuses such as [403]"))
    }

    /// Below the data source's URL, or absolute on its origin: what is sent there are the data source's own credentials.
    fn login_url(&self, base: Option<&Url>) -> Result<Url, Error> {
        let text = self.text("url")?;
        let wrong =
            || self.must_be("url", "a path below the data source's URL, or a URL of the same host");
        let base = base.ok_or_else(wrong)?;
        let url = if text.starts_with('/') {
            Url::parse(&format!("{}{text}", base.as_str().trim_end_matches('/')))
        } else {
            Url::parse(&text)
        };
        url.ok().filter(|url| url.origin() == base.origin()).ok_or_else(wrong)
    }

    /// JSON, a form, or text; with secrets in the place of placeholders, escaped for where they stand.
    fn body(&self) -> Result<Option<(&'static str, Secret)>, Error> {
        let form = self.filled("form")?;
        if !form.is_empty() {
            let mut encoded = Serializer::new(String::new());
            for (name, value) in &form {
                encoded.append_pair(name, value.expose());
            }
            let body = Secret::new(encoded.finish());
            return Ok(Some(("application/x-www-form-urlencoded", body)));
        }
        match self.given.value("body") {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(("text/plain", self.fill(text)?))),
            Some(json) => {
                let filled = self.fill_json(json)?;
                Ok(Some(("application/json", Secret::new(filled.to_string()))))
            }
        }
    }

    fn fill_json(&self, json: &Value) -> Result<Value, Error> {
        Ok(match json {
            Value::String(text) => Value::String(self.fill(text)?.expose().to_owned()),
            Value::Array(items) => Value::Array(
                items.iter().map(|item| self.fill_json(item)).collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => {
                let members = members.iter();
                let filled = members
                    .map(|(name, value)| Ok::<_, Error>((name.clone(), self.fill_json(value)?)));
                Value::Object(filled.collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        })
    }

    /// Texts by name, with secrets in the place of placeholders.
    fn filled(&self, key: &str) -> Result<Vec<(String, Secret)>, Error> {
        let texts = self.given.texts(key)?.into_iter();
        texts.map(|(name, text)| Ok((name, self.fill(&text)?))).collect()
    }

    fn fill(&self, text: &str) -> Result<Secret, Error> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("{{secret:") {
            let Some((name, after)) = after.split_once("}}") else { break };
            filled.push_str(before);
            let secret = self.raw.secret(name);
            let secret = secret.ok_or_else(|| self.missing(name))?;
            filled.push_str(secret.expose());
            rest = after;
        }
        filled.push_str(rest);
        Ok(Secret::new(filled))
    }

    fn template(&self, key: &str) -> Result<String, Error> {
        match self.given.text_of(key)? {
            None => Ok(SendAs::default().template),
            Some(template) if template.contains("{token}") => Ok(template.to_owned()),
            Some(_without) => Err(self.must_be(key, "a text with '{token}' in it")),
        }
    }

    /// A URL of another server.
    fn url(&self, key: &str) -> Result<Url, Error> {
        let text = self.text(key)?;
        let url = Url::parse(text.trim()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
        url.ok_or_else(|| {
            self.must_be(key, "a URL such as 'https://id.example.com/token', without a password")
        })
    }

    /// A text that has to be there.
    fn text(&self, key: &str) -> Result<String, Error> {
        let text = self.given.text_of(key)?;
        text.map(str::to_owned).ok_or_else(|| Error::Missing { key: self.given.path(key) })
    }

    fn optional(&self, key: &str) -> Result<String, Error> {
        Ok(self.given.text_of(key)?.unwrap_or_default().to_owned())
    }

    fn secret(&self, name: &str) -> Result<Secret, Error> {
        self.raw.secret(name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Error {
        let name = printable(name);
        Error::AuthSecretMissing { name }
    }

    fn must_be(&self, key: &str, expected: &'static str) -> Error {
        Error::MustBe { key: self.given.path(key), expected }
    }
}

/// AWS signatures by the keys of Grafana's other plugins.
fn sigv4(raw: &RawSettings, json_data: &JsonData<'_>, base: Option<&Url>) -> Result<SigV4, Error> {
    let reader = Reader { raw, given: json_data };
    let region = reader.text("sigV4Region")?;
    // It becomes a part of a host's name.
    if !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(reader.must_be("sigV4Region", "a region such as 'eu-central-1'"));
    }
    let arn = json_data.text_of("sigV4AssumeRoleArn")?.map(str::to_owned);
    let external_id = reader.optional("sigV4ExternalId")?;
    let (keys, arn, sts_url) = match json_data.text_of("sigV4AuthType")? {
        None | Some("keys") => {
            let keys = AwsKeys::Keys {
                id: reader.secret("sigV4AccessKey")?,
                secret: reader.secret("sigV4SecretKey")?,
                session_token: raw.secret("sigV4SessionToken"),
            };
            let own = json_data.text_of("sigV4StsUrl")?.map(|_own| reader.url("sigV4StsUrl"));
            (keys, arn, own.transpose()?)
        }
        Some("webIdentity") => {
            let (keys, by_machine, sts_url) = web_identity(json_data, |name| env::var(name).ok())?;
            (keys, arn.or(by_machine), sts_url)
        }
        Some(_other) => {
            let what =
                "find AWS keys by itself: enter them (sigV4AuthType keys), or use webIdentity";
            return Err(Error::Unsupported { key: "sigV4AuthType", what });
        }
    };
    let sts_url = sts_url.or_else(|| {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Url::parse(&format!("https://sts.{region}.{domain}/")).ok()
    });
    let sts_url =
        sts_url.ok_or_else(|| reader.must_be("sigV4Region", "a region such as 'eu-central-1'"))?;
    let service = json_data.text_of("sigV4Service")?;
    let service = service.or_else(|| base.and_then(service_of)).unwrap_or("execute-api").to_owned();
    let role = arn.map(|arn| Role { arn, external_id });
    Ok(SigV4 { region, service, keys, role, sts_url })
}

/// The identity of the machine that Grafana runs on: keys, a role, and the token service, by the environment's variables.
///
/// It is the machine's admin who says where the token is and who gets to see it. With a path and a URL of their own, whoever edits a
/// data source could have any file of the machine sent anywhere.
fn web_identity(
    json_data: &JsonData<'_>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(AwsKeys, Option<String>, Option<Url>), Error> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    if json_data.text_of("sigV4StsUrl")?.is_some() {
        let what = "show the identity of Grafana's machine to a token service that a data source names \
                    (AWS_ENDPOINT_URL_STS in the plugin's environment may)";
        return Err(Error::Unsupported { key: "sigV4StsUrl", what });
    }
    let file = variable("AWS_WEB_IDENTITY_TOKEN_FILE").ok_or(Error::Unsupported {
        key: "sigV4AuthType",
        what: "use webIdentity without AWS_WEB_IDENTITY_TOKEN_FILE in the plugin's environment \
               (forward_host_env_vars in grafana.ini, section [plugins])",
    })?;
    let sts_url = variable("AWS_ENDPOINT_URL_STS").map(|url| {
        Url::parse(&url).map_err(|_none| Error::MustBe {
            key: "AWS_ENDPOINT_URL_STS".to_owned(),
            expected: "a URL",
        })
    });
    let keys = AwsKeys::WebIdentity { file: PathBuf::from(file) };
    Ok((keys, variable("AWS_ROLE_ARN"), sts_url.transpose()?))
}

/// The service that a host of AWS's own belongs to.
fn service_of(url: &Url) -> Option<&'static str> {
    let labels: Vec<_> = url.domain()?.strip_suffix(".amazonaws.com")?.split('.').collect();
    [
        ("aps-workspaces", "aps"),
        ("es", "es"),
        ("aoss", "aoss"),
        ("monitoring", "monitoring"),
        ("s3", "s3"),
    ]
    .into_iter()
    .find_map(|(label, service)| labels.contains(&label).then_some(service))
}

#[cfg(test)]
mod tests;
