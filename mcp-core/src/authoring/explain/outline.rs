//! A planned request taken apart, with holes where the credential comes.

use super::{
    ShownHeader, ShownRequest,
    body::ShownBody,
    bytes_of,
    credential::{Slot, of_reference, shown, slot},
    curl::{Piece, Variable, variable_name},
    telling, title_case,
};
use crate::tool::{Base, Call, Param, ParamValue, Template};
use bytes::Bytes;
use http::{HeaderName, Method, Request, header};
use http_body_util::Full;
use percent_encoding::percent_decode_str;

/// Everything that is sent.
pub(super) struct Outline {
    pub(super) method: Method,
    pub(super) url: Vec<Piece>,
    /// A key at the end of the query, before it is percent-encoded.
    pub(super) key: Option<(String, Vec<Piece>)>,
    /// The headers without those that every HTTP client makes itself.
    pub(super) headers: Vec<(String, Vec<Piece>)>,
    /// User name and password.
    pub(super) basic: Option<Vec<Piece>>,
    /// Whether it has a signature that every client makes for itself.
    is_signed_by_curl: bool,
    pub(super) host: String,
    pub(super) body: Bytes,
    /// Whether a body is sent, be it an empty one.
    pub(super) has_body: bool,
    pub(super) variables: Vec<Variable>,
    /// What concerns the connection: curl's options and their values.
    pub(super) connection: Vec<(&'static str, Vec<Piece>)>,
    pub(super) note: Option<String>,
    /// What curl's URL has instead of host and port.
    pub(super) server: Option<String>,
}

impl Outline {
    pub(super) fn of(call: &Call, base: Option<&Base>, request: &Request<Full<Bytes>>) -> Self {
        let uri = request.uri();
        let default_host = uri.authority().map_or("", |authority| authority.as_str());
        let host = request.headers().get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or(default_host);
        let mut outline = Self {
            method: request.method().clone(),
            url: Vec::new(),
            key: None,
            headers: Vec::new(),
            basic: None,
            is_signed_by_curl: false,
            host: host.to_owned(),
            body: bytes_of(request),
            has_body: request.headers().contains_key(header::CONTENT_TYPE),
            variables: Vec::new(),
            connection: Vec::new(),
            note: None,
            server: None,
        };
        outline.url(call, &uri.to_string());
        for (name, value) in request.headers() {
            if name != header::HOST {
                let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                outline.header(call, base, name, text);
            }
        }
        for (name, reference) in base.into_iter().flat_map(Base::secret_headers) {
            if !request.headers().contains_key(name) {
                let variable = of_reference(reference);
                let pieces = vec![Piece::Variable(variable.name.clone())];
                outline.headers.push((title_case(name.as_str()), pieces));
                outline.variables.push(variable);
            }
        }
        if let Some(auth) = call.delivery.as_ref().and_then(|delivery| delivery.auth(base)) {
            let (slot, variables) = slot(auth);
            outline.variables.extend(variables);
            outline.fill(slot);
        }
        let transport = call
            .delivery
            .as_ref()
            .and_then(|delivery| delivery.transport(base));
        if let Some(transport) = transport {
            let options = super::connection::options(transport, uri, &outline.host);
            outline.connection.extend(options.options);
            outline.variables.extend(options.variables);
            outline.note = options.note;
            outline.server = options.server;
        }
        outline
    }

    fn url(&mut self, call: &Call, url: &str) {
        let Some((path, query)) = url.split_once('?') else {
            self.url.push(Piece::Text(url.to_owned()));
            return;
        };
        let mut text = format!("{path}?");
        for (index, pair) in query.split('&').enumerate() {
            if index > 0 {
                text.push('&');
            }
            let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = percent_decode_str(name).decode_utf8_lossy();
            if is_literal(call, None, &plain) && telling::is_credential(&plain) {
                text.extend([name, "="]);
                self.url.push(Piece::Text(std::mem::take(&mut text)));
                self.hole("tds_ext_info.query", &plain);
                let name = variable_name(&plain);
                self.url.push(Piece::Variable(name));
            } else {
                text.push_str(pair);
            }
        }
        self.url.push(Piece::Text(text));
    }

    fn header(&mut self, call: &Call, base: Option<&Base>, name: &HeaderName, text: String) {
        let title = title_case(name.as_str());
        let of_base = || base.is_some_and(|base| base.has_plain_header(name));
        let pieces = if *name == header::COOKIE {
            self.cookies(call, &text)
        } else if telling::is_credential(name.as_str())
            && (is_literal(call, Some(name), name.as_str()) || of_base())
        {
            let place = match is_literal(call, Some(name), name.as_str()) {
                true => "tds_ext_info.headers",
                false => "headers of the upstream",
            };
            self.hole(place, &title);
            let scheme = ["Bearer ", "Basic ", "Token "];
            let scheme = scheme.into_iter().find(|scheme| text.starts_with(scheme));
            let scheme = scheme.map(|scheme| Piece::Text(scheme.to_owned()));
            let hole = Piece::Variable(variable_name(&title));
            scheme.into_iter().chain([hole]).collect()
        } else {
            vec![Piece::Text(text)]
        };
        self.headers.push((title, pieces));
    }

    /// Cookies that the definition has in plain text are sessions, whatever their names.
    fn cookies(&mut self, call: &Call, line: &str) -> Vec<Piece> {
        let fixed = call.headers.get(header::COOKIE);
        let fixed = fixed.and_then(|fixed| fixed.to_str().ok()).unwrap_or_default();
        let mut pieces = Vec::new();
        for (index, pair) in line.split("; ").enumerate() {
            let before = if index > 0 { "; " } else { "" };
            let name = pair.split('=').next().unwrap_or_default();
            let is_own = |param: &Param| param.wire == name && is_literal_param(param);
            let is_hidden = fixed.split(';').any(|other| other.trim() == pair.trim())
                || telling::is_credential(name) && call.params.cookie.iter().any(is_own);
            if is_hidden {
                self.hole("the cookies of the definition", name);
                pieces.push(Piece::Text(format!("{before}{name}=")));
                pieces.push(Piece::Variable(variable_name(name)));
            } else {
                pieces.push(Piece::Text(format!("{before}{pair}")));
            }
        }
        pieces
    }

    fn hole(&mut self, field: &str, name: &str) {
        self.variables.push(Variable {
            name: variable_name(name),
            from: format!("{field}: `{name}`, there in plain text; `auth` keeps it out of the definition"),
            set: None,
        });
    }

    fn fill(&mut self, slot: Slot) {
        match slot {
            Slot::Header(name, pieces) => {
                self.headers.retain(|(other, _)| *other != name);
                self.headers.push((name, pieces));
            }
            Slot::Query(name, pieces) => self.key = Some((name, pieces)),
            Slot::Cookie(name, pieces) => {
                let found = self.headers.iter().position(|(header, _)| header == "Cookie");
                let mut line = found
                    .map(|index| self.headers.remove(index).1)
                    .unwrap_or_default();
                let before = if line.is_empty() { "" } else { "; " };
                line.push(Piece::Text(format!("{before}{name}=")));
                line.extend(pieces);
                self.headers.push(("Cookie".to_owned(), line));
            }
            Slot::Basic(pieces) => self.basic = Some(pieces),
            Slot::Signed(headers) => {
                for (name, pieces) in headers {
                    self.headers.retain(|(other, _)| *other != name);
                    self.headers.push((name, pieces));
                }
            }
            Slot::Aws {
                provider,
                user,
                token,
            } => {
                self.connection.push(("--aws-sigv4", vec![Piece::Text(provider)]));
                self.connection.push(("--user", user));
                if let Some(pieces) = token {
                    self.headers.push(("X-Amz-Security-Token".to_owned(), pieces));
                }
                self.is_signed_by_curl = true;
            }
        }
    }

    /// The request for people.
    pub(super) fn shown(&self) -> ShownRequest {
        let header = |name: &str, value: String| ShownHeader {
            name: name.to_owned(),
            value,
        };
        let mut url = shown(&self.url);
        if let Some((name, pieces)) = &self.key {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.extend([name.as_str(), "=", &shown(pieces)]);
        }
        let mut headers = vec![header("Host", self.host.clone())];
        headers.extend(
            self.headers
                .iter()
                .map(|(name, pieces)| header(name, shown(pieces))),
        );
        if self.basic.is_some() {
            headers.push(header("Authorization", format!("Basic {}", telling::HIDDEN)));
        }
        if self.is_signed_by_curl {
            headers.push(header("X-Amz-Date", telling::HIDDEN.to_owned()));
            headers.push(header(
                "Authorization",
                format!("AWS4-HMAC-SHA256 {}", telling::HIDDEN),
            ));
        }
        let content_type = self.headers.iter().find(|(name, _)| name == "Content-Type");
        let content_type = content_type.map(|(_, pieces)| shown(pieces));
        if self.has_body {
            headers.push(header("Content-Length", self.body.len().to_string()));
        }
        let body = self
            .has_body
            .then(|| ShownBody::of_request(&self.body, content_type.as_deref().unwrap_or_default()));
        ShownRequest {
            method: self.method.to_string(),
            url,
            headers,
            body,
        }
    }
}

/// Whether the definition has the value in plain text; `header` where it is one, otherwise in the query.
fn is_literal(call: &Call, header: Option<&HeaderName>, name: &str) -> bool {
    let Some(header) = header else {
        let own = call.params.query.iter();
        let in_line = call.query.split('&').any(|pair| {
            let fixed = pair.split('=').next().unwrap_or_default();
            percent_decode_str(fixed).decode_utf8_lossy() == name
        });
        return in_line || own.filter(|param| param.wire == name).any(is_literal_param);
    };
    let own = call.params.header.iter();
    call.headers.contains_key(header)
        || own
            .filter(|(other, _)| other == header)
            .any(|(_, param)| is_literal_param(param))
}

fn is_literal_param(param: &Param) -> bool {
    matches!(param.value, ParamValue::Own(Template::Fixed(_)))
}
