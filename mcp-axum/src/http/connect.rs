//! `/connect`: where callers connect accounts of their own that upstreams are used with (`auth.type: oauth2_user`), see which they have connected, and
//! take them back.
//!
//! A link is one caller's. Whoever opens it shows first that they are that caller, in the browser that later comes back from the authorization server:
//! otherwise somebody could have another one connect their account for them.

mod page;

use super::{
    accept::prefers, body, browser, error::Error, login::registrant, manners::method_not_allowed,
    mcp::RequestIds,
};
use crate::{app::App, timestamp::rfc3339};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use browser::SignedIn;
use http::{HeaderMap, Request, StatusCode, header, request::Parts};
use mcp_common::authenticator::{Denied, Principal};
use mcp_core::{
    oauth::{GrantState, Ticket},
    policy::{Door, Refusal},
};
use page::{Escaped, button, leading_to, page};
use std::{collections::HashMap, fmt::Write as _, sync::Arc, time::Duration};
use url::form_urlencoded;

/// A key and some words around it, in bytes.
const LONGEST: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where everybody sees their own.
const OWN: &str = "/connect";

struct Route {
    app: Arc<App>,
    request_ids: RequestIds,
}

/// Who is there.
struct Visitor {
    signed_in: SignedIn,
    principal: Principal,
    identity: Arc<str>,
}

type Shared = State<Arc<Route>>;

/// Of one worker.
pub(crate) fn router(app: Arc<App>) -> Router {
    let route = Route {
        app,
        request_ids: RequestIds::random(),
    };
    Router::new()
        .route(OWN, get(show_own).post(act_on_own))
        .route("/connect/{ticket}", get(show_link).post(act_on_link))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(route))
}

async fn show_own(State(route): Shared, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    if let Some(refused) = route.wrong_host(&parts.headers) {
        return refused;
    }
    match route.visitor(&parts).await {
        Ok(Some(visitor)) => route.own_page(&visitor),
        Ok(None) => route.sign_in_page(StatusCode::OK, OWN, ""),
        Err(refusal) => route.sign_in_page(status_of(&refusal), OWN, &refusal.to_string()),
    }
}

async fn show_link(State(route): Shared, Path(link): Path<String>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    if let Some(refused) = route.wrong_host(&parts.headers) {
        return refused;
    }
    let Some(ticket) = route.app.hub.ticket(&link) else {
        return no_such_link(&parts.headers);
    };
    let path = format!("{OWN}/{link}");
    match route.visitor(&parts).await {
        Ok(Some(visitor)) if visitor.identity == ticket.owner => route.consent_page(&visitor, &ticket, &path),
        Ok(Some(visitor)) => somebody_elses(&visitor, &path),
        Ok(None) => route.sign_in_page(StatusCode::OK, &path, ""),
        Err(refusal) => route.sign_in_page(status_of(&refusal), &path, &refusal.to_string()),
    }
}

async fn act_on_own(State(route): Shared, request: Request<Body>) -> Response {
    let (parts, fields) = match route.form(request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let visitor = match route.sender(&parts, &fields, OWN).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    if fields.get("do").map(String::as_str) != Some("disconnect") {
        return nothing_to_do();
    }
    let grant = fields.get("grant").map_or("", String::as_str);
    let own = route.grants(&visitor);
    if let Some(grant) = own.iter().find(|own| own.id == grant) {
        let given_back = route.app.hub.give_back(&grant.id).await;
        let revoked = given_back.as_ref().is_some_and(|given| given.revoked);
        tracing::info!(
            upstream = &*grant.upstream,
            principal = &*visitor.principal.subject,
            revoked,
            "a caller has disconnected their account"
        );
        if let Some(problem) = given_back.and_then(|given| given.problem) {
            tracing::warn!(
                upstream = &*grant.upstream,
                problem,
                "an authorization server was not told"
            );
            let text = format!(
                "<p>It is not used any more, and nothing of it is kept. Its authorization server could not be told: {}.</p>\n<p><a href=\"{OWN}\">All accounts</a></p>\n",
                Escaped(&problem)
            );
            return page(StatusCode::OK, "Disconnected", &text);
        }
    }
    leading_to(OWN)
}

async fn act_on_link(State(route): Shared, Path(link): Path<String>, request: Request<Body>) -> Response {
    let (parts, fields) = match route.form(request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let Some(ticket) = route.app.hub.ticket(&link) else {
        return no_such_link(&parts.headers);
    };
    let path = format!("{OWN}/{link}");
    let visitor = match route.sender(&parts, &fields, &path).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    if visitor.identity != ticket.owner {
        return somebody_elses(&visitor, &path);
    }
    if fields.get("do").map(String::as_str) != Some("connect") {
        return nothing_to_do();
    }
    let registrant = match registrant(&route.app, &parts.headers) {
        Ok(registrant) => registrant,
        Err(error) => return went_wrong(StatusCode::CONFLICT, error.message()),
    };
    let browser = visitor.signed_in.id.clone();
    match route.app.hub.begin_connecting(&ticket, browser, registrant).await {
        Ok(address) => leading_to(&address),
        Err(error) => {
            tracing::warn!(upstream = &*ticket.upstream, %error, "a caller cannot connect an account");
            went_wrong(StatusCode::BAD_GATEWAY, &error.to_string())
        }
    }
}

impl Route {
    /// What a page of anybody's gets that names itself as this machine.
    fn wrong_host(&self, headers: &HeaderMap) -> Option<Response> {
        let error = self.app.admin.check_pages(headers).err()?;
        Some(went_wrong(StatusCode::FORBIDDEN, error.message()))
    }

    /// Who is signed in, if anybody is and still may.
    async fn visitor(&self, parts: &Parts) -> Result<Option<Visitor>, Refusal> {
        let Some(signed_in) = self.app.browsers.of(&self.app, &parts.headers) else {
            return Ok(None);
        };
        let peer = body::peer(&parts.extensions);
        let principal = signed_in.principal(&self.app, &peer).await?;
        Ok(principal.identity().map(|identity| Visitor {
            signed_in,
            principal,
            identity,
        }))
    }

    /// The fields of a form that a page of ours sent.
    async fn form(&self, request: Request<Body>) -> Result<(Parts, HashMap<String, String>), Response> {
        let (parts, body) = request.into_parts();
        if let Some(refused) = self.wrong_host(&parts.headers) {
            return Err(refused);
        }
        if !browser::is_own_form(&parts.headers) {
            let text = "this form was not sent by a page of the gateway";
            return Err(went_wrong(StatusCode::FORBIDDEN, text));
        }
        let body = body::read(body, &parts.extensions, LONGEST, PATIENCE).await;
        let body = body.map_err(|error| went_wrong(error.status(), error.message()))?;
        let fields = form_urlencoded::parse(&body).into_owned().collect();
        Ok((parts, fields))
    }

    /// Who has sent a form, which has the proof of their session. Signing in and out is done here, and answered.
    async fn sender(
        &self,
        parts: &Parts,
        fields: &HashMap<String, String>,
        path: &str,
    ) -> Result<Visitor, Response> {
        let action = fields.get("do").map(String::as_str);
        if action == Some("sign_in") {
            return Err(self.sign_in(parts, fields, path).await);
        }
        let visitor = match self.visitor(parts).await {
            Ok(Some(visitor)) => visitor,
            Ok(None) => return Err(self.sign_in_page(StatusCode::OK, path, "")),
            Err(refusal) => {
                return Err(self.sign_in_page(status_of(&refusal), path, &refusal.to_string()));
            }
        };
        if fields.get("proof") != Some(&visitor.signed_in.proof) {
            let text = "this form is of another session: open the page anew";
            return Err(went_wrong(StatusCode::FORBIDDEN, text));
        }
        if action == Some("sign_out") {
            self.app.browsers.end(&visitor.signed_in);
            let mut answer = leading_to(path);
            if let Some(cookie) = browser::no_cookie(&self.app) {
                answer.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            return Err(answer);
        }
        Ok(visitor)
    }

    /// Takes a key, which passes the same door as one that comes with a request.
    async fn sign_in(&self, parts: &Parts, fields: &HashMap<String, String>, path: &str) -> Response {
        let app = &self.app;
        let peer = body::peer(&parts.extensions);
        let mut record = app
            .gateway
            .policy
            .record(Door::Mcp, &self.request_ids.of(&parts.headers))
            .without_line()
            .of_sign_in();
        record.address = peer.address();
        // Not the link, which is a secret of its caller.
        record.path = Some((parts.method.clone(), OWN.to_owned()));
        let key = fields.get("key").map_or("", |key| key.trim()).to_owned().into();
        let response = match browser::recognise(app, &key, &peer).await {
            Ok(principal) => {
                record.sent_by(&principal);
                match (principal.identity(), app.browsers.begin(key)) {
                    (None, _) => went_wrong(
                        StatusCode::CONFLICT,
                        "this gateway lets everybody in and knows nobody: there are no accounts of callers",
                    ),
                    (_, None) => went_wrong(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "the system gives no random numbers",
                    ),
                    (Some(_), Some(signed_in)) => {
                        record.entered();
                        let mut answer = leading_to(path);
                        if let Some(cookie) = signed_in.cookie(app) {
                            answer.headers_mut().insert(header::SET_COOKIE, cookie);
                        }
                        answer
                    }
                }
            }
            Err(refusal) => self.sign_in_page(status_of(&refusal), path, &refusal.to_string()),
        };
        record.answered(response.status());
        response
    }

    /// Where people show who they are: with a key, or with an account at an identity provider.
    fn sign_in_page(&self, status: StatusCode, path: &str, problem: &str) -> Response {
        let mut text = String::new();
        if !problem.is_empty() {
            let _ = writeln!(text, "<p><strong>{}</strong></p>", Escaped(problem));
        }
        for one in &self.app.settings.sign_in {
            let _ = writeln!(
                text,
                "<p><a href=\"/sign-in/{}?to={}\">Sign in with {}</a></p>",
                Escaped(&one.name),
                Escaped(path),
                Escaped(one.label())
            );
        }
        let _ = writeln!(
            text,
            "<p>Show who you are: with the key that your client uses at this gateway.</p>\n<form class=\"wide\" method=\"post\" action=\"{}\">\
             <input type=\"hidden\" name=\"do\" value=\"sign_in\"><label>Key <input type=\"password\" name=\"key\" autocomplete=\"off\" required autofocus></label>\
             <button class=\"main\">Sign in</button></form>",
            Escaped(path)
        );
        page(status, "Sign in", &text)
    }

    fn grants(&self, visitor: &Visitor) -> Vec<GrantState> {
        let all = self.app.hub.grants().into_iter();
        all.filter(|grant| grant.owner == visitor.identity).collect()
    }

    fn own_page(&self, visitor: &Visitor) -> Response {
        let mut text = signed_in_as(visitor, OWN);
        let grants = self.grants(visitor);
        if grants.is_empty() {
            text +=
                "<p>You have connected no account. When a tool needs one, its call gives you a link.</p>\n";
        } else {
            text += "<p>The gateway uses these accounts of yours for your calls, and for nobody else's:</p>\n<ul>\n";
        }
        let proof = &*visitor.signed_in.proof;
        for grant in &grants {
            let fields = [("do", "disconnect"), ("grant", &*grant.id), ("proof", proof)];
            let state = match grant.login.login_needed {
                true => "has to be connected anew",
                false => "connected",
            };
            let issuer = grant
                .login
                .issuer
                .as_deref()
                .unwrap_or("its authorization server");
            let _ = writeln!(
                text,
                "<li>{}<strong>{}</strong> <span>{state}, at {} since {}{}</span></li>",
                button(OWN, "Disconnect", false, &fields),
                Escaped(&grant.upstream),
                Escaped(issuer),
                rfc3339(grant.since),
                Escaped(&scopes(&grant.login.scopes)),
            );
        }
        if !grants.is_empty() {
            text += "</ul>\n";
        }
        page(StatusCode::OK, "Your accounts", &text)
    }

    fn consent_page(&self, visitor: &Visitor, ticket: &Ticket, path: &str) -> Response {
        let Some(offer) = self.app.hub.offer(&ticket.upstream) else {
            return ended_link();
        };
        let definition = offer.definition;
        let mut text = signed_in_as(visitor, path);
        let host = definition
            .url
            .as_deref()
            .and_then(|url| url.parse::<http::Uri>().ok());
        let host = host.as_ref().and_then(|uri| uri.host()).unwrap_or("its server");
        let _ = writeln!(
            text,
            "<p>You have called a tool of <strong>{}</strong> ({}), which is used with your own account there. To go on, log in to it and agree: the gateway \
             then makes <em>your</em> calls to it in your name, with no more rights than you give it there.</p>",
            Escaped(definition.name.as_deref().unwrap_or(&ticket.upstream)),
            Escaped(host),
        );
        if let Some(description) = &definition.description {
            let _ = writeln!(text, "<p>{}</p>", Escaped(description));
        }
        text += "<p>Whoever has your key of this gateway can use the account through it. You can take it back at any time, here and there. \
                 If you have not called such a tool just now, go no further: somebody else may have sent you this link.</p>\n";
        let fields = [("do", "connect"), ("proof", &*visitor.signed_in.proof)];
        text += &button(path, "Connect my account", true, &fields);
        let _ = writeln!(text, "<p><a href=\"{OWN}\">All accounts</a></p>");
        page(StatusCode::OK, &format!("Connect {}", ticket.upstream), &text)
    }
}

/// Why somebody who came back from an identity provider is not signed in.
pub(super) fn signed_in_not(status: StatusCode, why: &str) -> Response {
    went_wrong(status, &format!("you are not signed in: {why}"))
}

fn scopes(scopes: &[String]) -> String {
    match scopes {
        [] => String::new(),
        scopes => format!("; {}", scopes.join(" ")),
    }
}

fn signed_in_as(visitor: &Visitor, path: &str) -> String {
    let fields = [("do", "sign_out"), ("proof", &*visitor.signed_in.proof)];
    format!(
        "<p>You are signed in as <strong>{}</strong>.</p>\n{}",
        Escaped(&visitor.principal.subject),
        button(path, "Sign out", false, &fields)
    )
}

fn somebody_elses(visitor: &Visitor, path: &str) -> Response {
    let text = format!(
        "{}<p>This link was made for another caller than you. If somebody sent it to you, do not go on: it would give them the use of your account. \
         If it is yours, sign in with the key that the call was made with.</p>\n",
        signed_in_as(visitor, path)
    );
    page(StatusCode::FORBIDDEN, "Not your link", &text)
}

/// A page for browsers, who ask for one.
fn no_such_link(headers: &HeaderMap) -> Response {
    if !prefers(headers, "text/html", "application/json") {
        return Error::not_found("there is no such link, or not any more; each is good for a quarter of an hour, at the replica that made it")
            .into_response();
    }
    ended_link()
}

fn ended_link() -> Response {
    let text = format!(
        "<p>There is no such link any more: each is good for a quarter of an hour, at the replica that made it. Call the tool again to get another one.</p>\n\
         <p><a href=\"{OWN}\">All accounts</a></p>\n"
    );
    page(StatusCode::NOT_FOUND, "This link has ended", &text)
}

fn nothing_to_do() -> Response {
    went_wrong(
        StatusCode::BAD_REQUEST,
        "the form does not say what is to be done",
    )
}

fn went_wrong(status: StatusCode, why: &str) -> Response {
    let text = format!(
        "<p>{}.</p>\n<p><a href=\"{OWN}\">All accounts</a></p>\n",
        Escaped(why)
    );
    page(status, "This did not work", &text)
}

/// What comes back from an authorization server, said to whoever has connected an account.
pub(super) fn came_back(connected: Result<&str, &str>) -> Response {
    match connected {
        Ok(upstream) => {
            let text = format!(
                "<p><strong>{}</strong> is connected with your account. You can close this page: the call goes on, or make it again.</p>\n\
                 <p><a href=\"{OWN}\">All accounts</a></p>\n",
                Escaped(upstream)
            );
            page(StatusCode::OK, "Connected", &text)
        }
        Err(why) => went_wrong(StatusCode::BAD_REQUEST, why),
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unauthenticated(Denied::Unavailable(_)) | Refusal::Unable(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        // A browser that is answered 401 asks for a name and a password.
        Refusal::Unauthenticated(_) | Refusal::Forbidden(_) | Refusal::Hidden => StatusCode::FORBIDDEN,
        Refusal::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
    }
}
