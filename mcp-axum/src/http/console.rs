//! `GET /console`: the pages for administrators. They are built from `console/`, checked in and embedded, and use the admin API alone, with
//! the key that is typed into them: the files are the same for everybody.

use super::{error::Error, pages::Asset};
use axum::{
    Router,
    extract::{OriginalUri, Path, Request, rejection::PathRejection},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

/// Nothing from elsewhere, nothing inline, in no frame, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What the files were made of; a new one comes with every change.
const STAMP: &str = include_str!("../../assets/console/stamp.txt");

macro_rules! files {
    ($($name:literal: $media_type:literal),* $(,)?) => {
        &[$(($name, $media_type, include_bytes!(concat!("../../assets/console/", $name)))),*]
    };
}

const FILES: &[(&str, &str, &[u8])] = files! {
    "index.html": "text/html; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "codemirror.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
};

/// `/console` and its files.
pub fn router() -> Router {
    Router::new()
        .route(
            "/console",
            get(|request: Request| async move { file("index.html", &request) }),
        )
        // The page names its files as a neighbour of `console`.
        .route("/console/", get(|| async { Redirect::permanent("../console") }))
        .route(
            "/console/{name}",
            get(
                |name: Result<Path<String>, PathRejection>, request: Request| async move {
                    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
                    file(&name, &request)
                },
            ),
        )
        .method_not_allowed_fallback(|| async { Error::method_not_allowed("GET") })
}

fn file(name: &str, request: &Request) -> Response {
    let Some((_, media_type, content)) = FILES.iter().find(|(known, ..)| *known == name) else {
        let path = request
            .extensions()
            .get::<OriginalUri>()
            .map_or_else(|| request.uri().path().to_owned(), |uri| uri.path().to_owned());
        return Error::not_found(format!("there is no `{path}`; the console is at /console")).into_response();
    };
    let asset = Asset {
        content,
        media_type,
        policy: POLICY,
        version: version(),
    };
    asset.answer(request)
}

/// The hash of the built files.
fn version() -> Option<&'static str> {
    STAMP
        .lines()
        .find_map(|line| line.strip_prefix("built "))?
        .get(..32)
}
