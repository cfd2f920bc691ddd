//! The list `authenticator.jwt.issuers`.

use crate::trustworthy::is_trustworthy;
use jsonwebtoken::{Algorithm, AlgorithmFamily};
use mcp_common::{
    authenticator::ClientCertificate,
    definition::upstream::Pattern,
    plugin::{PluginError, Settings, Table},
};
use serde_json::Value;
use std::sync::Arc;

const TABLE: &str = "authenticator.jwt";
const KNOWN: [&str; 14] = [
    "name",
    "issuer",
    "jwks_uri",
    "audiences",
    "algorithms",
    "token_types",
    "leeway_seconds",
    "subject",
    "roles",
    "allow_roles",
    "give_roles",
    "scopes",
    "required_scopes",
    "claims",
];
/// What the header of a token says that it is, where nothing else is configured: what many issuers write, and access tokens of RFC 9068.
/// Others are something else (a logout, a proof, an assertion), signed by the same key.
const TYPES: [&str; 2] = ["JWT", "at+jwt"];
/// What may be left out before the name of a type (RFC 7515, section 4.1.9).
const MEDIA: &str = "application/";
/// The role that no issuer gives unless it is named.
const ADMIN: &str = "admin";

/// Somebody whose tokens are taken.
#[derive(Debug)]
pub(in crate::authenticator) struct Issuer {
    /// Stands before subjects: two issuers may call different people the same.
    pub(in crate::authenticator) name: String,
    /// `iss`, to the letter.
    pub(in crate::authenticator) url: String,
    pub(in crate::authenticator) jwks_uri: Option<String>,
    /// One of these, or the URI of the instance, has to be in `aud`.
    pub(in crate::authenticator) audiences: Vec<String>,
    pub(in crate::authenticator) algorithms: Vec<Algorithm>,
    types: Vec<String>,
    pub(in crate::authenticator) leeway: u64,
    pub(in crate::authenticator) subject: String,
    pub(in crate::authenticator) roles: Option<String>,
    allow_roles: Vec<Pattern>,
    pub(in crate::authenticator) give_roles: Vec<String>,
    pub(in crate::authenticator) scopes: String,
    pub(in crate::authenticator) required_scopes: Vec<String>,
    /// The claims that templates may name.
    pub(in crate::authenticator) claims: Vec<String>,
}

impl Issuer {
    /// Whether tokens are taken whose header says this of them; one that says nothing is a JWT.
    pub(in crate::authenticator) fn takes(&self, typ: Option<&str>) -> bool {
        let typ = typ.map_or(TYPES[0], without_media);
        let mut types = self.types.iter();
        types.any(|taken| without_media(taken).eq_ignore_ascii_case(typ))
    }

    /// Whether a token may bring this role.
    pub(in crate::authenticator) fn may_give(&self, role: &str) -> bool {
        let mut patterns = self.allow_roles.iter();
        patterns.any(|pattern| match role {
            ADMIN => pattern.0 == ADMIN,
            _ => pattern.matches(role),
        })
    }
}

fn without_media(typ: &str) -> &str {
    match typ.split_at_checked(MEDIA.len()) {
        Some((start, name)) if start.eq_ignore_ascii_case(MEDIA) => name,
        _ => typ,
    }
}

/// All of them.
pub(in crate::authenticator) fn issuers(settings: &Settings) -> Result<Vec<Arc<Issuer>>, PluginError> {
    let (issuers, problems) = read(settings)?;
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    Ok(issuers)
}

/// Everything that is wrong with them.
pub(in crate::authenticator) fn problems(settings: &Settings) -> Vec<PluginError> {
    read(settings).map_or_else(|problem| vec![problem], |(_, problems)| problems)
}

fn read(settings: &Settings) -> Result<(Vec<Arc<Issuer>>, Vec<PluginError>), PluginError> {
    let table = Table::new(TABLE, settings, &["issuers"])?;
    let shape =
        "expected a list of {name, issuer, …}; in a variable of the environment it is written as JSON";
    let list = match table.get("issuers") {
        Some(Value::Array(list)) if !list.is_empty() => list.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| table.wrong("issuers", shape))?,
        None | Some(Value::Array(_)) => {
            return Err(table.wrong("issuers", "no issuer is listed, so that no token is taken"));
        }
        Some(_) => return Err(table.wrong("issuers", shape)),
    };
    let mut issuers: Vec<Arc<Issuer>> = Vec::new();
    let mut problems = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        match one(&format!("{TABLE}.issuers[{index}]"), entry) {
            Err(problem) => problems.push(problem),
            Ok(issuer) => {
                if issuers
                    .iter()
                    .any(|known| known.name == issuer.name || known.url == issuer.url)
                {
                    let reason = format!(
                        "two have the name `{}` or the issuer `{}`",
                        issuer.name, issuer.url
                    );
                    problems.push(table.wrong("issuers", reason));
                }
                issuers.push(Arc::new(issuer));
            }
        }
    }
    Ok((issuers, problems))
}

/// One of them.
pub(in crate::authenticator) fn one(path: &str, entry: &Value) -> Result<Issuer, PluginError> {
    let table = Table::new(path, entry, &KNOWN)?;
    let text = |name: &str| {
        Ok::<_, PluginError>(
            table
                .text(name)?
                .map(str::to_owned)
                .filter(|text| !text.is_empty()),
        )
    };
    let needed = |name: &str| text(name)?.ok_or_else(|| table.wrong(name, "must be given"));
    let url = |name: &str, url: String| match is_trustworthy(&url) {
        true => Ok(url),
        false => Err(table.wrong(
            name,
            "must begin with https://, or with http:// and a name of this machine",
        )),
    };
    let algorithms = match list(&table, "algorithms")? {
        None => vec![Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA],
        Some(names) => names
            .iter()
            .map(|name| {
                let known = name.parse::<Algorithm>().ok();
                known.filter(|known| known.family() != AlgorithmFamily::Hmac).ok_or_else(|| {
                    let reason = format!("`{name}` is none; there are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA");
                    table.wrong("algorithms", reason)
                })
            })
            .collect::<Result<_, _>>()?,
    };
    let types = list(&table, "token_types")?.unwrap_or_else(|| TYPES.map(str::to_owned).to_vec());
    if types.is_empty() || types.iter().any(String::is_empty) {
        return Err(table.wrong(
            "token_types",
            "must name at least one: what `typ` says in the header of tokens, such as `at+jwt`",
        ));
    }
    let patterns = list(&table, "allow_roles")?.unwrap_or_else(|| vec!["*".to_owned()]);
    let name = needed("name")?;
    if name.len() > 64
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(table.wrong(
            "name",
            "must have 1 to 64 of A-Z a-z 0-9 -: it stands before the names of its users",
        ));
    }
    if ClientCertificate::KINDS.contains(&name.as_str()) {
        return Err(table.wrong(
            "name",
            format!(
                "must be another one: names that begin with `{name}:` are those of clients with certificates"
            ),
        ));
    }
    Ok(Issuer {
        name,
        url: url("issuer", needed("issuer")?)?,
        jwks_uri: text("jwks_uri")?.map(|uri| url("jwks_uri", uri)).transpose()?,
        audiences: list(&table, "audiences")?.unwrap_or_default(),
        algorithms,
        types,
        leeway: table.number("leeway_seconds", 0..=600, 60)?,
        subject: text("subject")?.unwrap_or_else(|| "sub".to_owned()),
        roles: text("roles")?,
        allow_roles: patterns.into_iter().map(Pattern).collect(),
        give_roles: list(&table, "give_roles")?.unwrap_or_default(),
        scopes: text("scopes")?.unwrap_or_else(|| "scope".to_owned()),
        required_scopes: list(&table, "required_scopes")?.unwrap_or_default(),
        claims: list(&table, "claims")?.unwrap_or_default(),
    })
}

fn list(table: &Table<'_>, name: &str) -> Result<Option<Vec<String>>, PluginError> {
    let wrong = || table.wrong(name, "expected a list of texts");
    let Some(value) = table.get(name) else {
        return Ok(None);
    };
    let items = value.as_array().ok_or_else(wrong)?;
    let texts = items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong));
    texts.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(issuers: Value) -> String {
        let problems = problems(&json!({"issuers": issuers}));
        problems.iter().map(|problem| format!("{problem}\n")).collect()
    }

    #[test]
    fn a_token_is_what_its_header_says_or_what_others_are() {
        let takes = |types: Value, typ: Option<&str>| {
            let issuer = json!([{"name": "a", "issuer": "https://a", "token_types": types}]);
            let issuers = issuers(&json!({"issuers": issuer})).unwrap();
            issuers[0].takes(typ)
        };
        for typ in [
            None,
            Some("JWT"),
            Some("at+jwt"),
            Some("application/AT+JWT"),
            Some("jwt"),
        ] {
            assert!(takes(Value::Null, typ), "{typ:?}");
        }
        for typ in [
            "logout+jwt",
            "dpop+jwt",
            "oauth-id-jag+jwt",
            "",
            "application/",
            "id+jwt",
        ] {
            assert!(!takes(Value::Null, Some(typ)), "{typ}");
        }
        let strict = json!(["application/at+jwt"]);
        assert!(takes(strict.clone(), Some("at+jwt")));
        assert!(!takes(strict.clone(), Some("JWT")) && !takes(strict, None));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let with = |more: Value| {
            let mut entry = json!({"name": "acme", "issuer": "https://login.example.com"});
            let members = more.as_object().cloned().unwrap_or_default();
            entry.as_object_mut().unwrap().extend(members);
            json!([entry])
        };
        assert_eq!(
            refused(with(
                json!({"algorithms": ["ES384", "EdDSA"], "audiences": ["a"]})
            )),
            ""
        );
        for (more, expected) in [
            (
                json!({"algorithms": ["none"]}),
                "authenticator.jwt.issuers[0].algorithms: `none` is none",
            ),
            (json!({"algorithms": ["RS256", "HS256"]}), "`HS256` is none"),
            (
                json!({"issuer": "http://login.example.com"}),
                "issuers[0].issuer: must begin with https://",
            ),
            (
                json!({"jwks_uri": "http://10.0.0.1/keys"}),
                "issuers[0].jwks_uri: must begin with https://",
            ),
            (
                json!({"token_types": []}),
                "issuers[0].token_types: must name at least one",
            ),
            (json!({"name": "a:b"}), "issuers[0].name"),
            (json!({"name": "dns"}), "issuers[0].name: must be another one"),
            (json!({"leeway_seconds": 3600}), "issuers[0].leeway_seconds"),
            (json!({"audience": "a"}), "issuers[0].audience: no such setting"),
            (json!({"audiences": "a"}), "issuers[0].audiences: expected a list"),
        ] {
            let said = refused(with(more.clone()));
            assert!(said.contains(expected), "{more}: {said}");
        }
        assert!(refused(json!([])).contains("no issuer is listed"));
        let twins = json!([{"name": "a", "issuer": "https://a"}, {"name": "a", "issuer": "https://b"}]);
        assert!(refused(twins).contains("two have the name `a`"));
        for url in ["http://127.0.0.1:8/x", "http://localhost", "https://a"] {
            assert!(is_trustworthy(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.example.com",
            "http://localhost@example.com/",
            "ftp://localhost",
            "http://localhost:1@b",
        ] {
            assert!(!is_trustworthy(url), "{url}");
        }
    }
}
