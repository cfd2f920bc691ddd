//! What an import is asked to do: in the query beside the document, or in a JSON object around it.

use crate::http::error::{Error, Result};
use mcp_core::{authoring::import::ImportOptions, tool::ToolCompiler};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Entries of the lists beside a document: more would select nothing that fewer could not.
const MOST_WORDS: usize = 10_000;

/// Options and the document.
pub(super) struct ImportRequest {
    pub(super) options: ImportOptions,
    pub(super) dry_run: bool,
}

/// `{"instance": …, "document": …}` as the body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapper<'a> {
    #[serde(borrow)]
    document: &'a RawValue,
    instance: String,
    source: Option<String>,
    base_url: Option<String>,
    auth: Option<String>,
    #[serde(default)]
    header: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    rename: Vec<String>,
    #[serde(default)]
    prune: bool,
    #[serde(default)]
    dry_run: bool,
}

impl ImportRequest {
    /// Lists are repeated: `include=tag:a&include=tag:b`.
    pub(super) fn of_query(query: &str, compiler: &ToolCompiler) -> Result<Self> {
        let mut request = Self {
            options: ImportOptions::default().compiled_by(compiler.clone()),
            dry_run: false,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let value = percent_decode_str(&value.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned();
            request.set(name, value)?;
        }
        Ok(request)
    }

    fn set(&mut self, name: &str, value: String) -> Result<()> {
        let options = &mut self.options;
        match name {
            "instance" => options.instance = value,
            "source" => options.source = Some(value),
            "base_url" => options.base_url = Some(value),
            "auth" => options.auth = Some(value.parse()?),
            "header" => options.headers.push(value.parse()?),
            "include" => options.include.push(value.parse()?),
            "exclude" => options.exclude.push(value.parse()?),
            "rename" => options.rename.push(value.parse()?),
            "prune" => options.prune = flag(name, &value)?,
            "dry_run" => self.dry_run = flag(name, &value)?,
            other => {
                return Err(Error::bad_request(format!(
                    "there is no parameter `{other}`; there are instance, source, base_url, auth, header, include, exclude, \
                     rename, prune and dry_run"
                )));
            }
        }
        Ok(())
    }

    /// The document's text. Without an instance in the query the body has to name it.
    pub(super) fn with_body(mut self, body: String) -> Result<(Self, String)> {
        if !self.options.instance.is_empty() {
            return Ok((self, body));
        }
        let checked = self.options.limits.text.check(body.as_bytes());
        checked.map_err(|exceeded| Error::bad_request(format!("the body {exceeded}")))?;
        let wrapper: Wrapper<'_> = serde_json::from_str(&body).map_err(|error| {
            let reason = "name the instance: POST /admin/import/openapi?instance=ID with the document as the body, or \
                          {\"instance\": \"ID\", \"document\": …}";
            Error::bad_request(format!("{reason} ({error})"))
        })?;
        self.options.instance = wrapper.instance;
        self.options.source = wrapper.source.or(self.options.source);
        self.options.base_url = wrapper.base_url.or(self.options.base_url);
        self.options.prune |= wrapper.prune;
        self.dry_run |= wrapper.dry_run;
        let lists = [
            ("auth", wrapper.auth.into_iter().collect()),
            ("header", wrapper.header),
            ("include", wrapper.include),
            ("exclude", wrapper.exclude),
            ("rename", wrapper.rename),
        ];
        if lists.iter().map(|(_, values)| values.len()).sum::<usize>() > MOST_WORDS {
            let reason =
                format!("header, include, exclude and rename have more than {MOST_WORDS} entries together");
            return Err(Error::bad_request(reason));
        }
        let document = wrapper.document.get().to_owned();
        for (name, values) in lists {
            for value in values {
                self.set(name, value)?;
            }
        }
        // YAML and curl lines come as a text.
        let document = serde_json::from_str::<String>(&document).unwrap_or(document);
        Ok((self, document))
    }
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(Error::bad_request(format!(
            "{name}: `{other}` is neither true nor false"
        ))),
    }
}
