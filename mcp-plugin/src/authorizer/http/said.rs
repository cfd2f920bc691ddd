//! What the service's answer says.

use http::StatusCode;
use mcp_common::{authorizer::Opinion, plugin::Received};
use serde_json::Value;

/// A longer reason is cut, in bytes.
const LONGEST_REASON: usize = 300;

/// 200 allows by itself, or with a body that says so. Policy engines answer 200 whatever they decide, so that a body which says something
/// else, or nothing that can be read, does not allow.
pub(super) fn opinion(answer: &Received) -> Result<Opinion, String> {
    let body = answer.body.trim_ascii();
    let said: Option<Value> = serde_json::from_slice(body).ok();
    // As OPA has it: the decision stands in `result`.
    let said = said.map(|mut said| match said.get_mut("result") {
        Some(result) => result.take(),
        None => said,
    });
    let allows = said.as_ref().and_then(|said| match said {
        Value::Bool(allows) => Some(*allows),
        Value::Object(members) => members.get("allow")?.as_bool(),
        _ => None,
    });
    let refuse = || Ok(Opinion::Refuse(reason(said.as_ref(), body).into()));
    match (answer.status, allows) {
        (StatusCode::OK, Some(true)) => Ok(Opinion::Allow),
        (StatusCode::OK, Some(false)) | (StatusCode::FORBIDDEN, _) => refuse(),
        (StatusCode::OK, None) if body.is_empty() => Ok(Opinion::Allow),
        (StatusCode::OK, None) => Err(
            "it answers 200 with a body that does not say whether it allows: `true`, {\"allow\": true}, {\"result\": true}, or no body"
                .to_owned(),
        ),
        (other, _) => Err(format!("it answers {other}")),
    }
}

/// For whoever calls: one line, and no page of a proxy.
fn reason(said: Option<&Value>, body: &[u8]) -> String {
    let text = match said {
        Some(said) => said["reason"].as_str().unwrap_or_default(),
        None => str::from_utf8(body).unwrap_or_default(),
    };
    if said.is_none() && text.contains('<') {
        return String::new();
    }
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let end = text.floor_char_boundary(LONGEST_REASON);
    text[..end].trim().chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Result<Opinion, String> {
        opinion(&Received {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn only_a_clear_yes_allows() {
        for body in [
            "",
            " \n",
            "true",
            r#"{"allow": true}"#,
            r#"{"result": true}"#,
            r#"{"result": {"allow": true, "reason": "x"}}"#,
        ] {
            assert_eq!(said(200, body), Ok(Opinion::Allow), "{body}");
        }
        for body in [
            "false",
            r#"{"allow": false}"#,
            r#"{"result": false, "allow": true}"#,
            r#"{"result": {"allow": false}}"#,
        ] {
            assert_eq!(said(200, body), Ok(Opinion::Refuse("".into())), "{body}");
        }
        for body in [
            "{}",
            "null",
            "1",
            "\"true\"",
            "OK",
            "<html>",
            r#"{"result": {}}"#,
            r#"{"result": null, "allow": true}"#,
            r#"{"allow": "true"}"#,
            r#"{"allow": 1}"#,
            "[true]",
        ] {
            assert!(said(200, body).is_err(), "{body}");
        }
        for status in [201, 204, 302, 400, 401, 404, 429, 500, 503] {
            assert!(said(status, r#"{"allow": true}"#).is_err(), "{status}");
            assert!(said(status, "").is_err(), "{status}");
        }
    }

    #[test]
    fn a_refusal_has_a_reason_of_one_line() {
        let reason = |status, body: &str| match said(status, body) {
            Ok(Opinion::Refuse(reason)) => reason.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(403, r#"{"reason": "not on\nSundays"}"#), "not on Sundays");
        assert_eq!(
            reason(200, r#"{"result": {"allow": false, "reason": "no"}}"#),
            "no"
        );
        assert_eq!(reason(403, "over budget"), "over budget");
        assert_eq!(reason(403, r#"{"allow": true}"#), "");
        assert_eq!(reason(403, "<html><h1>403</h1></html>"), "");
        assert_eq!(reason(403, &"ä".repeat(400)).len(), 300);
    }
}
