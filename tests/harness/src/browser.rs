//! A person at a browser.

use anyhow::{Context, Result, bail};
use reqwest::{Client, Response, Url, header, redirect::Policy};
use std::collections::BTreeMap;

/// More steps are a circle.
const MOST_STEPS: usize = 20;

/// Follows redirects, keeps cookies, and fills in the forms of an identity provider: a name, any password, and yes to what is asked.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Logs in where this leads to, and gives the URL below `callback` to which the browser is sent at last.
    pub async fn log_in(&mut self, start: &str, name: &str, callback: &str) -> Result<String> {
        let client = Client::builder().redirect(Policy::none()).build()?;
        let mut at: Url = start.parse()?;
        let mut form: Option<String> = None;
        for _ in 0..MOST_STEPS {
            let request = match &form {
                Some(form) => client
                    .post(at.clone())
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.clone()),
                None => client.get(at.clone()),
            };
            let response = request.header(header::COOKIE, self.shown()).send().await?;
            self.keep(&response);
            if let Some(location) = response.headers().get(header::LOCATION) {
                at = at.join(location.to_str()?)?;
                form = None;
                if at.as_str().starts_with(callback) {
                    return Ok(at.into());
                }
                continue;
            }
            let page = response.text().await?;
            let of_form = || {
                Some((
                    attribute(&page, "action=\"")?,
                    attribute(&page, "name=\"prompt\" value=\"")?,
                ))
            };
            let (action, prompt) = of_form().with_context(|| format!("no form is at {at}:\n{page}"))?;
            at = at.join(action)?;
            let mut fields = Url::parse("http://form/")?;
            fields.query_pairs_mut().extend_pairs([
                ("prompt", prompt),
                ("login", name),
                ("password", "anything"),
            ]);
            form = fields.query().map(str::to_owned);
        }
        bail!("{MOST_STEPS} steps did not lead to {callback}")
    }

    fn shown(&self) -> String {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        cookies.collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, response: &Response) {
        let given = response.headers().get_all(header::SET_COOKIE).iter();
        for cookie in given.filter_map(|cookie| cookie.to_str().ok()) {
            let Some((name, rest)) = cookie.split_once('=') else {
                continue;
            };
            match rest.split(';').next().unwrap_or_default() {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }
}

fn attribute<'a>(page: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(start)?;
    rest.split('"').next()
}
