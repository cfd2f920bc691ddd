//! One curl command line.

mod option;
mod words;

use super::{
    ImportError, ImportOptions, Imported,
    kept::Kept,
    sample::{self, Body, Field, Sample},
};
use serde_json::Value;

pub(super) fn read(text: &str, options: &ImportOptions, kept: &Kept<'_>) -> Result<Imported, ImportError> {
    let (size, limit) = (text.len(), options.limits.max_bytes);
    if size > limit {
        return Err(ImportError::TooLarge { size, limit });
    }
    let words = words::split(text)
        .map_err(|reason| ImportError::WrongFormat(format!("the line cannot be read: {reason}")))?;
    let mut words = words.into_iter();
    if words
        .next()
        .is_none_or(|word| word != "curl" && !word.ends_with("/curl") && word != "curl.exe")
    {
        return Err(ImportError::WrongFormat(
            "this is not a curl line: it does not begin with `curl`".to_owned(),
        ));
    }
    let mut line = Line::default();
    while let Some(word) = words.next() {
        for (name, joined) in option::split(&word) {
            line.word(&name, joined, &mut words)?;
        }
    }
    let mut imported = Imported {
        title: "curl".to_owned(),
        ..Imported::new(options)
    };
    let sample = line.sample(&mut imported)?;
    if options.source.is_none() {
        let whole = sample.url.split("://").nth(1).unwrap_or(&sample.url);
        let host = whole.split(['/', '?']).next().unwrap_or_default();
        imported.title = host.rsplit('@').next().unwrap_or(host).to_owned();
    }
    sample::add(sample, options, kept, &mut imported);
    Ok(imported)
}

#[derive(Default)]
struct Line {
    method: Option<String>,
    url: Option<String>,
    /// Further pairs of its query.
    url_query: Vec<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    form: Vec<Field>,
    is_get: bool,
    is_json: bool,
    has_credentials: bool,
    has_cookies: bool,
}

impl Line {
    /// An option, or a URL. `joined` is the value that stands in the same word.
    fn word(
        &mut self,
        name: &str,
        joined: Option<String>,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), ImportError> {
        let mut value = || {
            let missing = || ImportError::WrongFormat(format!("the option {name} has no value"));
            joined.clone().or_else(|| rest.next()).ok_or_else(missing)
        };
        match name {
            "-X" | "--request" => self.method = Some(value()?.to_ascii_uppercase()),
            "-H" | "--header" => {
                let header = value()?;
                if let Some((name, value)) = header.split_once(':') {
                    self.headers
                        .push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
            "-d" | "--data" | "--data-ascii" | "--data-raw" | "--data-binary" => self.data.push(value()?),
            "--data-urlencode" => self.data.push(url_encoded(&value()?)),
            "--json" => {
                self.is_json = true;
                self.data.push(value()?);
            }
            "-F" | "--form" | "--form-string" => {
                let text = value()?;
                let (field, value) = text.split_once('=').unwrap_or((&text, ""));
                let is_file = name != "--form-string" && value.starts_with(['@', '<']);
                let value = if is_file {
                    ""
                } else {
                    value.split(';').next().unwrap_or_default()
                };
                self.form.push(Field {
                    is_file,
                    ..Field::new(field, value)
                });
            }
            "-u" | "--user" | "--oauth2-bearer" => {
                self.has_credentials = true;
                value()?;
            }
            "-b" | "--cookie" => {
                self.has_cookies = true;
                value()?;
            }
            "-T" | "--upload-file" => {
                let reason =
                    "the body is a file (-T), which is not read; write it into the line with --data-raw";
                return Err(ImportError::WrongFormat(reason.to_owned()));
            }
            "-K" | "--config" => {
                let reason = "options are read from a file (-K), which is not done; write them into the line";
                return Err(ImportError::WrongFormat(reason.to_owned()));
            }
            "-:" | "--next" => {
                let reason = "the line makes several requests (--next); import them one by one";
                return Err(ImportError::WrongFormat(reason.to_owned()));
            }
            "--url-query" => {
                let text = value()?;
                let pair = text.strip_prefix('+').map(str::to_owned);
                self.url_query.push(pair.unwrap_or_else(|| url_encoded(&text)));
            }
            "-G" | "--get" => self.is_get = true,
            "-I" | "--head" => self.method = Some("HEAD".to_owned()),
            "--url" => self.url = Some(value()?),
            other if option::takes_value(other) => drop(value()?),
            other if other.starts_with('-') && other.len() > 1 => {}
            _ if self.url.is_some() => {
                let reason = "the line calls several URLs; import them one by one".to_owned();
                return Err(ImportError::WrongFormat(reason));
            }
            url => self.url = Some(url.to_owned()),
        }
        Ok(())
    }

    fn sample(self, imported: &mut Imported) -> Result<Sample, ImportError> {
        let Some(mut url) = self.url else {
            return Err(ImportError::WrongFormat("the line names no URL".to_owned()));
        };
        if self.data.iter().any(|data| data.starts_with('@')) {
            let reason =
                "the body is read from a file (`@`), which is not done; write it into the line".to_owned();
            return Err(ImportError::WrongFormat(reason));
        }
        if self.has_credentials {
            imported.note(
                "the line has credentials, which are not imported; add `auth` with references to secrets",
            );
        }
        if self.has_cookies {
            imported.note(
                "the line has cookies, which are not imported; add those that the API needs to `params` or `auth`",
            );
        }
        let data = self.data.join("&");
        let in_url = Some(&data).filter(|data| self.is_get && !data.is_empty());
        for query in in_url.into_iter().chain(&self.url_query) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(query);
        }
        let has_body = !self.is_get && !self.data.is_empty();
        let method = match self.method {
            Some(method) => method,
            None if has_body || !self.form.is_empty() => "POST".to_owned(),
            None => "GET".to_owned(),
        };
        let body = match has_body {
            _ if !self.form.is_empty() => Body::Multipart(self.form),
            true => body_of(&data, media(&self.headers), self.is_json),
            false => Body::None,
        };
        Ok(Sample {
            method,
            url,
            headers: self.headers,
            body,
            ..Sample::default()
        })
    }
}

/// `name=text` or `text`, the text percent-encoded.
fn url_encoded(text: &str) -> String {
    let (name, value) = text.split_once('=').unwrap_or(("", text));
    let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
    if name.is_empty() {
        value.to_string()
    } else {
        format!("{name}={value}")
    }
}

fn media(headers: &[(String, String)]) -> Option<&str> {
    let header = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    header.map(|(_, value)| value.as_str())
}

/// A longer body says no more about what the API takes.
const MAX_JSON: usize = 1 << 20;

/// The body by its type; curl itself says it is a form.
pub(super) fn body_of(text: &str, media: Option<&str>, is_json: bool) -> Body {
    let json = || match text.len() > MAX_JSON {
        true => None,
        false => serde_json::from_str::<Value>(text).ok(),
    };
    let is_form = media.is_none_or(|media| media.contains("form-urlencoded"));
    match media {
        Some(media) if media.contains("json") => {
            json().map_or_else(|| Body::Raw(text.to_owned()), Body::Json)
        }
        None if is_json || text.trim_start().starts_with(['{', '[']) => {
            json().map_or_else(|| Body::Raw(text.to_owned()), Body::Json)
        }
        _ if is_form => Body::Form(sample::pairs(text)),
        _ => Body::Raw(text.to_owned()),
    }
}
