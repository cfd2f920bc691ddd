//! The credential's place, described from the definition. The secret itself is never looked up.

use super::{
    Part, Placement, Source,
    curl::{Piece, Variable, variable_name},
    telling::HIDDEN,
    title_case,
};
use crate::tool::{Auth, Base, Call, Place, Signer, TokenSource};
use http::header;
use mcp_common::definition::tool::{ClientAuth, MaybeSecret, SecretReference};

/// Where it goes, and what stands there in a shell.
pub(super) enum Slot {
    Header(String, Vec<Piece>),
    Query(String, Vec<Piece>),
    Cookie(String, Vec<Piece>),
    /// User name and password.
    Basic(Vec<Piece>),
    /// Headers of a signature, of which the first is the signature.
    Signed(Vec<(String, Vec<Piece>)>),
    /// A signature of AWS, which curl makes itself: what it signs for, and who signs.
    Aws {
        provider: String,
        user: Vec<Piece>,
        token: Option<Vec<Piece>>,
    },
}

const SIGNATURE: &str = "SIGNATURE";

/// The place, and the shell's variables that it takes.
pub(super) fn slot(auth: &Auth) -> (Slot, Vec<Variable>) {
    match auth {
        Auth::Key {
            place,
            prefix,
            secret,
        } => {
            let variable = of_reference(secret);
            let pieces = vec![
                Piece::Text(prefix.clone()),
                Piece::Variable(variable.name.clone()),
            ];
            let slot = match place {
                Place::Header(name) => Slot::Header(title_case(name.as_str()), pieces),
                Place::Query(name) => Slot::Query(name.clone(), pieces),
                Place::Cookie(name) => Slot::Cookie(name.clone(), pieces),
            };
            (slot, vec![variable])
        }
        Auth::Basic { username, password } => {
            let (user, mut variables) = maybe(username);
            let password = of_reference(password);
            let pieces = vec![
                user,
                Piece::Text(":".to_owned()),
                Piece::Variable(password.name.clone()),
            ];
            variables.push(password);
            (Slot::Basic(pieces), variables)
        }
        Auth::ClientCredentials(source) => {
            let variables = token_variables(source);
            let pieces = vec![
                Piece::Text("Bearer ".to_owned()),
                Piece::Variable(ACCESS_TOKEN.to_owned()),
            ];
            (Slot::Header("Authorization".to_owned(), pieces), variables)
        }
        Auth::Signed(signer) => signed(signer),
        Auth::Passthrough { from, to } => {
            let variable = Variable {
                name: variable_name(from.as_str()),
                from: format!("the header {} of the client's request", title_case(from.as_str())),
                set: None,
            };
            let pieces = vec![Piece::Variable(variable.name.clone())];
            (Slot::Header(title_case(to.as_str()), pieces), vec![variable])
        }
    }
}

fn signed(signer: &Signer) -> (Slot, Vec<Variable>) {
    let text = |text: &str| Piece::Text(text.to_owned());
    match signer {
        Signer::Aws(aws) => {
            let (id, mut variables) = maybe(&aws.access_key);
            let secret = of_reference(&aws.secret_key);
            let user = vec![id, text(":"), Piece::Variable(secret.name.clone())];
            variables.push(secret);
            let token = aws.session_token.as_ref().map(|token| {
                let token = of_reference(token);
                let pieces = vec![Piece::Variable(token.name.clone())];
                variables.push(token);
                pieces
            });
            let provider = format!("aws:amz:{}:{}", aws.region, aws.service);
            (
                Slot::Aws {
                    provider,
                    user,
                    token,
                },
                variables,
            )
        }
        Signer::Hmac(hmac) => {
            let mut variables = Vec::new();
            let mut made = |name: &str, from: String| {
                variables.push(Variable {
                    name: name.to_owned(),
                    from,
                    set: None,
                });
                vec![Piece::Variable(name.to_owned())]
            };
            let mut signature = vec![text(&hmac.prefix)];
            signature.extend(made(
                SIGNATURE,
                format!("the signature that the gateway makes with {}", hmac.key),
            ));
            let mut headers = vec![(title_case(hmac.header.as_str()), signature)];
            if let Some((name, _)) = &hmac.timestamp {
                let pieces = made("TIMESTAMP", "the time that was signed".to_owned());
                headers.push((title_case(name.as_str()), pieces));
            }
            if let Some(name) = &hmac.nonce {
                let pieces = made("NONCE", "the value that was signed".to_owned());
                headers.push((title_case(name.as_str()), pieces));
            }
            if let Some((name, id)) = &hmac.key_id {
                let (piece, of_id) = maybe(id);
                variables.extend(of_id);
                headers.push((title_case(name.as_str()), vec![piece]));
            }
            (Slot::Signed(headers), variables)
        }
    }
}

/// What the table of placements says of it.
pub(super) fn placement(call: &Call, base: Option<&Base>) -> Option<Placement> {
    let delivery = call.delivery.as_ref()?;
    let auth = delivery.auth(base)?;
    let rule = match (&delivery.auth, &delivery.upstream) {
        (None, Some(upstream)) => format!("auth of the upstream {upstream}"),
        _ => "tds_ext_info.auth".to_owned(),
    };
    let (part, name, written) = match slot(auth).0 {
        Slot::Header(name, pieces) => (Part::Header, name, shown(&pieces)),
        Slot::Query(name, pieces) => (Part::Query, name.clone(), format!("{name}={}", shown(&pieces))),
        Slot::Cookie(name, pieces) => (Part::Cookie, name.clone(), format!("{name}={}", shown(&pieces))),
        Slot::Signed(headers) => match headers.into_iter().next() {
            Some((name, pieces)) => (Part::Header, name, shown(&pieces)),
            None => return None,
        },
        Slot::Aws { provider, .. } => (
            Part::Header,
            title_case(header::AUTHORIZATION.as_str()),
            format!(
                "AWS4-HMAC-SHA256 {HIDDEN} ({})",
                provider.trim_start_matches("aws:amz:")
            ),
        ),
        Slot::Basic(_) => (
            Part::Header,
            title_case(header::AUTHORIZATION.as_str()),
            format!("Basic {HIDDEN}"),
        ),
    };
    Some(Placement {
        arguments: Vec::new(),
        source: Source::Credential,
        place: Some(part),
        name,
        rule,
        style: None,
        written: Some(written),
        left_out: None,
        given_by: None,
    })
}

/// The pieces as people see them.
pub(super) fn shown(pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Variable(_) => HIDDEN.to_owned(),
    };
    pieces.iter().map(piece).collect()
}

const ACCESS_TOKEN: &str = "ACCESS_TOKEN";

pub(super) fn of_reference(reference: &SecretReference) -> Variable {
    let from = reference.to_string();
    match reference {
        SecretReference::Env(name) => Variable {
            name: name.clone(),
            from,
            set: None,
        },
        SecretReference::File(path) => {
            let name = variable_name(path.rsplit('/').next().unwrap_or(path));
            let file = super::curl::word(&[Piece::Text(path.clone())]);
            let set = Some(format!("{name}=$(cat {file})"));
            Variable { name, from, set }
        }
        SecretReference::Stored(name) => Variable {
            name: variable_name(name),
            from: format!("{from}, which nobody reads"),
            set: None,
        },
    }
}

pub(super) fn maybe(text: &MaybeSecret) -> (Piece, Vec<Variable>) {
    match text {
        MaybeSecret::Plain(text) => (Piece::Text(text.clone()), Vec::new()),
        MaybeSecret::Reference(reference) => {
            let variable = of_reference(reference);
            (Piece::Variable(variable.name.clone()), vec![variable])
        }
    }
}

/// How a shell gets the token that the gateway gets by itself.
fn token_variables(source: &TokenSource) -> Vec<Variable> {
    let binding = &source.binding;
    let (id, mut variables) = maybe(&binding.client_id);
    let secret = of_reference(&binding.client_secret);
    let text = |text: &str| Piece::Text(text.to_owned());
    let value = Piece::Variable(secret.name.clone());
    let mut words: Vec<Vec<Piece>> = vec![vec![text(&source.url.to_string())]];
    let mut field = |pieces: Vec<Piece>| words.extend([vec![text("--data-urlencode")], pieces]);
    field(vec![text("grant_type=client_credentials")]);
    if !binding.scopes.is_empty() {
        field(vec![text(&format!("scope={}", binding.scopes.join(" ")))]);
    }
    if let Some(audience) = &binding.audience {
        field(vec![text(&format!("audience={audience}"))]);
    }
    match binding.client_auth {
        ClientAuth::Body => {
            field(vec![text("client_id="), id]);
            field(vec![text("client_secret="), value]);
        }
        ClientAuth::Basic => words.extend([vec![text("--user")], vec![id, text(":"), value]]),
    }
    variables.push(secret);
    let words: Vec<String> = words.iter().map(|pieces| super::curl::word(pieces)).collect();
    variables.push(Variable {
        name: ACCESS_TOKEN.to_owned(),
        from: format!("a token of {}", source.url),
        set: Some(format!(
            "{ACCESS_TOKEN}=$(curl -sS {} | jq -r .access_token)",
            words.join(" ")
        )),
    });
    variables
}
