//! Credentials that stand in the document as they are: whoever may read definitions reads them, exports and histories keep them.

use super::UpstreamDefinition;
use crate::{
    credential_name::{in_query, in_text, in_words, is_literal_credential, shows_credential},
    definition::tool::MaybeSecret,
};
use serde_json::Value;

/// Where what a table says of upstreams that anybody may be has secrets in it, and which kind; `None` where it has none, or cannot be read.
pub(crate) fn of_strangers(members: &Value) -> Option<String> {
    let definition: UpstreamDefinition = serde_json::from_str(&members.to_string()).ok()?;
    let literal = warnings(&definition).into_iter().next();
    let literal = literal.and_then(|warning| Some(warning.split_once(": ")?.0.to_owned()));
    let refers = definition
        .references()
        .next()
        .map(|_| "a reference to a secret".to_owned());
    refers.or_else(|| literal.map(|place| format!("a credential (`{place}`)")))
}

/// A warning for each place; never with the credential in it.
pub(super) fn warnings(definition: &UpstreamDefinition) -> Vec<String> {
    let mut warnings = Vec::new();
    for (member, values) in [("headers", &definition.headers), ("env", &definition.env)] {
        for (name, value) in values {
            if let MaybeSecret::Plain(text) = value
                && (is_literal_credential(name, text) || in_text(text))
            {
                warnings.push(format!(
                    "{member}.{name}: {HERE}; put it into an environment variable or a file of the gateway, and write \
                     \"${{env:NAME}}\" or \"${{file:/path}}\""
                ));
            }
        }
    }
    let in_args = in_words(&definition.args).into_iter();
    warnings.extend(in_args.map(|index| {
        format!(
            "args[{index}]: {HERE}, and for everybody who sees the processes of the machine; give it to the program in `env`, as \
             \"${{env:NAME}}\" or \"${{file:/path}}\", if it takes it there"
        )
    }));
    let probed_with = definition.health.settings.get("command");
    let words = probed_with
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten();
    let words: Vec<String> = words
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    let in_words_of_probe = in_words(&words).into_iter();
    warnings.extend(in_words_of_probe.map(|index| {
        format!(
            "health.settings.command[{index}]: {HERE}, and for everybody who sees the processes of the machine; let the program read it itself"
        )
    }));
    let endpoints = definition.endpoints.iter().enumerate();
    let endpoints = endpoints.map(|(index, endpoint)| (format!("endpoints[{index}].url"), &endpoint.url));
    let url = definition.url.iter().map(|url| ("url".to_owned(), url));
    for (place, url) in url.chain(endpoints) {
        let is_one = url.contains('?') && !in_query(url).is_empty() || shows_credential(url);
        warnings.extend(is_one.then(|| {
            format!("{place}: {HERE}; use `auth` or `headers` with a reference, if the server takes it there")
        }));
    }
    warnings
}

const HERE: &str = "a credential stands here for everybody who may read definitions";

#[cfg(test)]
mod tests {
    use super::warnings;
    use serde_json::{Value, json};

    fn places(document: &Value) -> Vec<String> {
        let definition = serde_json::from_str(&document.to_string()).unwrap();
        let warnings = warnings(&definition);
        assert!(
            warnings.iter().all(|text| !text.contains("hunter2")),
            "{warnings:?}"
        );
        let place = |text: &String| text.split_once(": ").unwrap().0.to_owned();
        warnings.iter().map(place).collect()
    }

    #[test]
    fn programs_and_addresses_are_looked_at_too() {
        let program = json!({
            "command": "server",
            "args": ["-y", "--token", "hunter2", "--api-key=hunter2", "postgres://a:hunter2@db/x", "--port", "80"],
            "env": {"API_TOKEN": "hunter2", "DATABASE_URL": "postgres://a:hunter2@db/x", "TZ": "UTC", "PASSWORD": "${env:DYNMCP_SECRET_X}"},
        });
        assert_eq!(
            places(&program),
            [
                "env.API_TOKEN",
                "env.DATABASE_URL",
                "args[2]",
                "args[3]",
                "args[4]"
            ]
        );
        assert_eq!(
            places(&json!({"url": "https://a.example/mcp?api_key=hunter2"})),
            ["url"]
        );
        let fleet = json!({"endpoints": [{"url": "https://a.example/mcp"}, {"url": "https://a.example/mcp?token=hunter2"}]});
        assert_eq!(places(&fleet), ["endpoints[1].url"]);
        let fine = json!({"url": "https://a.example/mcp?page=1", "headers": {"X-Team": "support", "X-Token": "<token>"}});
        assert_eq!(places(&fine), [""; 0]);
    }
}
