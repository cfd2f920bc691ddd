//! The simplest expression: one name. It needs no template engine, and its value keeps the text it came in.

use super::CallerName;
use http::HeaderName;

/// What one name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Member names from the root of the arguments.
    Argument(Vec<String>),
    /// `principal.sub`.
    Subject,
    /// `principal.roles`.
    Roles,
    /// A claim or a header of the request.
    Caller(CallerName),
    /// `instance`, `instance.id`.
    InstanceId,
    /// `instance.name`.
    InstanceName,
    /// Member names from `instance.vars` on.
    InstanceVar(Vec<String>),
}

impl Reference {
    /// Reads `args.a.b`, `args["a-b"]`, `principal.sub`, `instance.vars.a`.
    pub(super) fn read(expression: &str) -> Option<Self> {
        match expression {
            "principal.sub" => return Some(Self::Subject),
            "principal.roles" => return Some(Self::Roles),
            "instance" | "instance.id" => return Some(Self::InstanceId),
            "instance.name" => return Some(Self::InstanceName),
            _ => {}
        }
        if let Some(rest) = expression.strip_prefix("instance.vars") {
            return steps(rest).map(Self::InstanceVar);
        }
        if let Some(rest) = expression.strip_prefix("principal.claims") {
            return steps(rest).map(|path| Self::Caller(CallerName::Claim(path)));
        }
        if let Some(rest) = expression.strip_prefix("request.headers") {
            let path = steps(rest).filter(|path| path.len() == 1)?;
            let name = HeaderName::from_bytes(path[0].as_bytes()).ok()?;
            return Some(Self::Caller(CallerName::Header(name)));
        }
        steps(expression.strip_prefix("args")?).map(Self::Argument)
    }
}

fn steps(text: &str) -> Option<Vec<String>> {
    let mut rest = text;
    let mut path = Vec::new();
    while !rest.is_empty() {
        let (name, after) = step(rest)?;
        path.push(name.to_owned());
        rest = after;
    }
    (!path.is_empty()).then_some(path)
}

fn step(text: &str) -> Option<(&str, &str)> {
    if let Some(text) = text.strip_prefix('.') {
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        return is_name.then_some((name, rest));
    }
    let text = text.strip_prefix('[')?;
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (name, rest) = text[1..].split_once(quote)?;
    let rest = rest.strip_prefix(']')?;
    (!name.is_empty() && !name.contains('\\')).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::{CallerName, Reference};
    use http::HeaderName;

    #[test]
    fn only_plain_names_are_references() {
        let argument = |path: &[&str]| {
            Some(Reference::Argument(
                path.iter().map(|p| (*p).to_owned()).collect(),
            ))
        };
        let table = [
            ("args.id", argument(&["id"])),
            ("args.query.id", argument(&["query", "id"])),
            ("args[\"x-trace\"]", argument(&["x-trace"])),
            ("args['a'].b", argument(&["a", "b"])),
            ("principal.sub", Some(Reference::Subject)),
            ("principal.roles", Some(Reference::Roles)),
            (
                "principal.claims.org['b c']",
                Some(Reference::Caller(CallerName::Claim(vec![
                    "org".into(),
                    "b c".into(),
                ]))),
            ),
            (
                "request.headers[\"X-Tenant\"]",
                Some(Reference::Caller(CallerName::Header(HeaderName::from_static(
                    "x-tenant",
                )))),
            ),
            ("principal.claims", None),
            ("principal.roles[0]", None),
            ("request.headers", None),
            ("request.headers['a']['b']", None),
            ("request.headers['a b']", None),
            ("instance", Some(Reference::InstanceId)),
            ("instance.id", Some(Reference::InstanceId)),
            ("instance.name", Some(Reference::InstanceName)),
            (
                "instance.vars['b-c'].d",
                Some(Reference::InstanceVar(vec!["b-c".into(), "d".into()])),
            ),
            ("instance.vars", None),
            ("instance.other", None),
            ("args", None),
            ("args.", None),
            ("args.1", None),
            ("args.id | upper", None),
            ("args.id + 1", None),
            ("args[0]", None),
            ("argsx.id", None),
            ("principal", None),
        ];
        for (text, expected) in table {
            assert_eq!(Reference::read(text), expected, "{text}");
        }
    }
}
