//! How a datasource proves who it is, beyond basic authentication and header fields that are always the same.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::model::Secret;

/// One way to prove it.
#[derive(Clone, Debug, Default)]
pub enum Authentication {
    /// None but what `HttpSettings` has besides.
    #[default]
    None,
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer {
        /// The token.
        token: Secret,
    },
    /// A key in a header field.
    HeaderKey {
        /// The field's name.
        name: String,
        /// The value, whatever stands before the key included.
        value: Secret,
    },
    /// A key in a query parameter.
    ParameterKey {
        /// The parameter's name.
        name: String,
        /// The key.
        key: Secret,
    },
    /// Digest (RFC 7616).
    Digest {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token of a token server (RFC 6749).
    OAuth2(Box<OAuth2>),
    /// A signature (AWS Signature Version 4).
    SigV4(Box<SigV4>),
    /// A token or cookie that the API itself gives for credentials.
    Login(Box<Login>),
}

impl Authentication {
    /// Whether it is sent in the header field `Authorization`, which one request has once. A signature does not count: it stands there in
    /// the place of whatever else was, as in Grafana's other plugins.
    pub fn is_in_authorization(&self) -> bool {
        let is_it = |name: &str| name.eq_ignore_ascii_case("authorization");
        match self {
            Self::None | Self::ParameterKey { .. } | Self::SigV4(_) => false,
            Self::Bearer { .. } | Self::Digest { .. } => true,
            Self::HeaderKey { name, .. } => is_it(name),
            Self::OAuth2(oauth2) => is_it(&oauth2.send.header),
            Self::Login(login) => {
                !matches!(login.token, TokenPlace::Cookie(_)) && is_it(&login.send.header)
            }
        }
    }
}

/// A token server, and how to ask it.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// What is given for a token.
    pub grant: Grant,
    /// The token endpoint.
    pub token_url: Url,
    /// The client's id; empty for none.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Option<Secret>,
    /// Where id and secret stand.
    pub style: AuthStyle,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Further parameters of the token request.
    pub parameters: Vec<(String, Secret)>,
    /// Header fields of the token request.
    pub headers: Vec<(String, Secret)>,
    /// How the token is sent.
    pub send: SendAs,
}

/// What is given for a token.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The client's own credentials (RFC 6749, section 4.4).
    ClientCredentials,
    /// A user's name and password (section 4.3).
    Password {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token (section 6). The server may give a new one, which is used from then on.
    RefreshToken(Secret),
    /// A signed assertion (RFC 7523, section 2.1).
    JwtBearer(Box<Assertion>),
}

/// What a signed assertion says.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// The signing algorithm, such as `RS256`.
    pub algorithm: String,
    /// The private key, PEM; or the shared secret for `HS256` and its like.
    pub key: Secret,
    /// The key's id (`kid`); empty for none.
    pub key_id: String,
    /// Who says so (`iss`).
    pub issuer: String,
    /// About whom (`sub`); empty for the issuer.
    pub subject: String,
    /// To whom (`aud`).
    pub audience: String,
    /// How long it holds.
    pub lifetime: Duration,
}

/// Where a token request has the client's id and secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthStyle {
    /// In the header field `Authorization`; in the body, if the server does not take that.
    #[default]
    Auto,
    /// In the header field.
    Header,
    /// In the body.
    Body,
}

/// How a token is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendAs {
    /// The header field's name.
    pub header: String,
    /// Its value, where `{token}` stands for the token.
    pub template: String,
}

impl Default for SendAs {
    fn default() -> Self {
        Self { header: "Authorization".to_owned(), template: "Bearer {token}".to_owned() }
    }
}

/// What requests are signed with.
#[derive(Clone, Debug)]
pub struct SigV4 {
    /// Such as `eu-central-1`.
    pub region: String,
    /// Such as `execute-api`.
    pub service: String,
    /// Whose keys.
    pub keys: AwsKeys,
    /// A role to take on with them.
    pub role: Option<Role>,
    /// Where roles are given (AWS STS).
    pub sts_url: Url,
}

/// Whose keys requests are signed with.
#[derive(Clone, Debug)]
pub enum AwsKeys {
    /// These.
    Keys {
        /// The access key's id.
        id: Secret,
        /// The access key.
        secret: Secret,
        /// For keys that hold for a while only.
        session_token: Option<Secret>,
    },
    /// Those that AWS gives for the token in this file, which is read each time.
    WebIdentity {
        /// The file.
        file: PathBuf,
    },
}

/// A role of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What its owner wants to be told; empty for nothing.
    pub external_id: String,
}

/// How the API gives a token or cookie.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where; on the datasource's own origin.
    pub url: Url,
    /// The method, such as `POST`.
    pub method: http::Method,
    /// Header fields of the request.
    pub headers: Vec<(String, Secret)>,
    /// Content type and body.
    pub body: Option<(&'static str, Secret)>,
    /// Where the answer has it.
    pub token: TokenPlace,
    /// Where the answer says for how many seconds it holds: a JSON Pointer (RFC 6901).
    pub expires_in: Option<String>,
    /// How long it holds, if the answer does not say.
    pub lifetime: Option<Duration>,
    /// How it is sent. A cookie is sent as one.
    pub send: SendAs,
    /// Statuses besides 401 that say that it holds no longer.
    pub renew_on: Vec<u16>,
}

/// Where an answer has a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// In the body: a JSON Pointer (RFC 6901).
    Pointer(String),
    /// In a header field.
    Header(String),
    /// In a cookie.
    Cookie(String),
}
