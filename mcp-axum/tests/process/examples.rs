//! The examples that are a script each, run as a reader runs them.

use super::servers::process::free_port;
use std::{
    path::Path,
    process::{Command, Output},
};

/// What a script says: the lines below each of its headings.
struct Said(Vec<(String, Vec<String>)>);

impl Said {
    /// Runs the script of an example on ports of its own.
    fn by(example: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../examples/{example}/run.sh"));
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars_os() {
            if name == "RUN_MODE"
                || name == "RUST_LOG"
                || name == "ENCRYPTION_KEY"
                || name.to_string_lossy().starts_with("APP__")
            {
                command.env_remove(name);
            }
        }
        let output = command
            .arg(script)
            .env("DYNMCP", env!("CARGO_BIN_EXE_dynmcp"))
            .env("PORT", free_port().to_string())
            .env("POLICY_PORT", free_port().to_string())
            .current_dir(std::env::temp_dir())
            .output()
            .unwrap();
        let Output {
            status,
            stdout,
            stderr,
        } = output;
        let (said, complained) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{example}: {said}\n{complained}");
        let mut parts: Vec<(String, Vec<String>)> = Vec::new();
        for line in said.lines() {
            match line.strip_prefix("-- ") {
                Some(heading) => parts.push((heading.to_owned(), Vec::new())),
                None => parts.last_mut().unwrap().1.push(line.trim().to_owned()),
            }
        }
        Self(parts)
    }

    /// The lines below the heading that begins so hold these, in this order, and there are no others.
    #[track_caller]
    fn below(&self, heading: &str, expected: &[&str]) {
        let (_, lines) = self
            .0
            .iter()
            .find(|(found, _)| found.starts_with(heading))
            .unwrap_or_else(|| panic!("no `{heading}`: {:#?}", self.0));
        let fits = lines.len() == expected.len()
            && lines
                .iter()
                .zip(expected)
                .all(|(line, expected)| line.contains(expected));
        assert!(fits, "{heading}: {lines:#?}, and not {expected:#?}");
    }

    /// The same for some of many lines.
    #[track_caller]
    fn among(&self, heading: &str, expected: &[&str]) {
        let (_, lines) = self
            .0
            .iter()
            .find(|(found, _)| found.starts_with(heading))
            .unwrap();
        for expected in expected {
            assert!(
                lines.iter().any(|line| line.contains(expected)),
                "{heading}: {lines:#?}, without {expected}"
            );
        }
    }
}

#[test]
fn a_key_for_each_client() {
    let said = Said::by("key-per-client");
    said.below("what each of them sees", &["get_order", "cancel_order get_order"]);
    said.below(
        "what is not shown cannot be called",
        &["shop has no tool `cancel_order`", "The order is cancelled."],
    );
    let order = "The order is on its way.";
    said.below(
        "five calls a minute",
        &[
            order,
            order,
            order,
            order,
            order,
            "you may make 5/min calls (`limits.rate` of the key)",
        ],
    );
    said.among("who has a key", &["claude-support", "order-desk"]);
    said.below("another secret", &["get_order", "get_order"]);
    said.among("the key of the second client leaked", &["is not active"]);
}

#[test]
fn rules_over_arguments() {
    let said = Said::by("argument-rules");
    said.below("an agent pays back", &["Paid back."]);
    let rule = "This call is not allowed with these arguments: role `support-agent`, allow[1] allows it when `args.amount < 1000";
    said.below("but not 2400", &[rule, rule]);
    said.below(
        "a lead may",
        &[
            "Paid back.",
            "role `support-lead`, deny[0] refuses it when `args.region is not defined`",
        ],
    );
    said.below("nobody pays back less", &["`access` of the tool"]);
    said.among(
        "the same questions",
        &[
            "call of refund_order: allowed by role `support-agent`, allow[1]",
            "call of refund_order: not allowed: This call is not allowed with these arguments",
        ],
    );
}

#[test]
fn a_policy_service() {
    let said = Said::by("policy-service");
    said.below(
        "both keys open the instance",
        &[
            "Paid back.",
            "the policy service refuses it: only ann may pay back",
            "the policy service refuses it: 400 of today's budget are left",
            "Paid back.",
        ],
    );
    said.below("the service is gone", &["the policy service does not answer"]);
    said.below("it is back", &["Paid back."]);
}
