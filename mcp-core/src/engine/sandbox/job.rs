//! What a process can be asked to do, and what comes of it.

use crate::tool::Verdict;

/// One piece of work. Schemas and programs are named by their text; a process keeps those compiled that it had.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job<'a> {
    /// Runs a jq program over a JSON text. The result may have `limit` bytes.
    Run {
        program: &'a str,
        limit: usize,
        input: &'a str,
    },
    /// Checks a JSON text against a schema. `for_logs`: with the places that break it.
    Check {
        schema: &'a str,
        for_logs: bool,
        value: &'a str,
    },
}

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// What the program made, or what is wrong with it.
    Ran(Result<String, String>),
    /// What the schema says.
    Checked(Verdict),
}

impl Job<'_> {
    /// What it is about, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Run { .. } => "jq",
            Self::Check { .. } => "schema",
        }
    }

    pub(super) fn to_parts<R>(self, send: impl FnOnce(&[&[u8]]) -> R) -> R {
        match self {
            Self::Run {
                program,
                limit,
                input,
            } => {
                let limit = (limit as u64).to_le_bytes();
                send(&[b"run", program.as_bytes(), &limit, input.as_bytes()])
            }
            Self::Check {
                schema,
                for_logs,
                value,
            } => send(&[b"check", schema.as_bytes(), &[for_logs.into()], value.as_bytes()]),
        }
    }

    pub(super) fn of_parts(parts: &[Vec<u8>]) -> Option<Job<'_>> {
        let [kind, text, setting, input] = parts else {
            return None;
        };
        let (text, input) = (str::from_utf8(text).ok()?, str::from_utf8(input).ok()?);
        match &kind[..] {
            b"run" => Some(Job::Run {
                program: text,
                limit: usize::try_from(u64::from_le_bytes(setting[..].try_into().ok()?)).ok()?,
                input,
            }),
            b"check" => Some(Job::Check {
                schema: text,
                for_logs: setting == &[1],
                value: input,
            }),
            _ => None,
        }
    }
}

impl Done {
    pub(super) fn to_parts<R>(&self, send: impl FnOnce(&[&[u8]]) -> R) -> R {
        match self {
            Self::Ran(Ok(data)) => send(&[b"ran", data.as_bytes()]),
            Self::Ran(Err(reason)) => send(&[b"failed", reason.as_bytes()]),
            Self::Checked(Verdict::Fits) => send(&[b"fits"]),
            Self::Checked(Verdict::Unreadable(reason)) => send(&[b"unreadable", reason.as_bytes()]),
            Self::Checked(Verdict::Unfit { findings, places }) => {
                // Texts alone: writing them cannot fail.
                let findings = serde_json::to_vec(findings).unwrap_or_default();
                send(&[b"unfit", &findings, places.as_bytes()])
            }
        }
    }

    pub(super) fn of_parts(parts: Vec<Vec<u8>>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let kind = parts.next()?;
        let mut text = || String::from_utf8(parts.next()?).ok();
        Some(match &kind[..] {
            b"ran" => Self::Ran(Ok(text()?)),
            b"failed" => Self::Ran(Err(text()?)),
            b"fits" => Self::Checked(Verdict::Fits),
            b"unreadable" => Self::Checked(Verdict::Unreadable(text()?)),
            b"unfit" => Self::Checked(Verdict::Unfit {
                findings: serde_json::from_str(&text()?).ok()?,
                places: text()?,
            }),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::{Finding, Findings};

    #[test]
    fn what_a_schema_finds_comes_through_as_it_was_found() {
        let mut findings = Findings::from(vec![Finding::at("/a: b\nc", "is: not"), Finding::whole("All.")]);
        findings.more = crate::tool::More::Perhaps;
        let done = Done::Checked(Verdict::Unfit {
            findings,
            places: "/a breaks /type".to_owned(),
        });
        let parts = done.to_parts(|parts| parts.iter().map(|part| part.to_vec()).collect());
        assert_eq!(Done::of_parts(parts), Some(done));
    }
}
