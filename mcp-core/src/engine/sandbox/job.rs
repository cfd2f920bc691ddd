//! What a process can be asked to do, and what comes of it.

use crate::tool::{Filling, Purpose, Unrendered, Verdict};

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
    /// Fills a template. `names`: JSON texts, each after its name.
    Fill {
        filling: &'a Filling,
        names: &'a [&'a str],
    },
}

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// What the program made, or what is wrong with it.
    Ran(Result<String, String>),
    /// What the schema says.
    Checked(Verdict),
    /// What the template made.
    Filled(Result<Option<String>, Unrendered>),
}

/// A job as it came in.
#[derive(Debug)]
pub(super) enum Order<'a> {
    Run {
        program: &'a str,
        limit: usize,
        input: &'a str,
    },
    Check {
        schema: &'a str,
        for_logs: bool,
        value: &'a str,
    },
    Fill {
        filling: Filling,
        names: Vec<&'a str>,
    },
}

impl Job<'_> {
    /// What it is about, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Run { .. } => "jq",
            Self::Check { .. } => "schema",
            Self::Fill { .. } => "template",
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
            Self::Fill { filling, names } => {
                let (levels, limit) = ((filling.levels as u64).to_le_bytes(), filling.limit.to_le_bytes());
                let mut parts: Vec<&[u8]> = vec![
                    b"fill",
                    filling.purpose.as_str().as_bytes(),
                    filling.name.as_bytes(),
                    filling.source.as_bytes(),
                    &levels,
                    &limit,
                ];
                parts.extend(names.iter().map(|text| text.as_bytes()));
                send(&parts)
            }
        }
    }
}

impl<'a> Order<'a> {
    pub(super) fn of_parts(parts: &'a [Vec<u8>]) -> Option<Self> {
        let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
        let text = |bytes: &'a Vec<u8>| str::from_utf8(bytes).ok();
        let (kind, rest) = parts.split_first()?;
        Some(match (&kind[..], rest) {
            (b"run", [program, limit, input]) => Self::Run {
                program: text(program)?,
                limit: usize::try_from(number(limit)?).ok()?,
                input: text(input)?,
            },
            (b"check", [schema, for_logs, value]) => Self::Check {
                schema: text(schema)?,
                for_logs: for_logs == &[1],
                value: text(value)?,
            },
            (b"fill", [purpose, name, source, levels, limit, names @ ..]) => Self::Fill {
                filling: Filling {
                    purpose: Purpose::read(text(purpose)?)?,
                    name: text(name)?.to_owned(),
                    source: text(source)?.to_owned(),
                    levels: usize::try_from(number(levels)?).ok()?,
                    limit: number(limit)?,
                },
                names: names.iter().map(text).collect::<Option<_>>()?,
            },
            _ => return None,
        })
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
            Self::Filled(Ok(Some(text))) => send(&[b"filled", text.as_bytes()]),
            Self::Filled(Ok(None)) => send(&[b"undefined"]),
            Self::Filled(Err(Unrendered { reason, is_undefined })) => {
                let kind: &[u8] = if *is_undefined { b"lacking" } else { b"unfilled" };
                send(&[kind, reason.as_bytes()])
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
            b"filled" => Self::Filled(Ok(Some(text()?))),
            b"undefined" => Self::Filled(Ok(None)),
            b"lacking" | b"unfilled" => Self::Filled(Err(Unrendered {
                reason: text()?,
                is_undefined: kind == b"lacking",
            })),
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

    #[test]
    fn what_templates_make_comes_through() {
        let lacking = |is_undefined| Unrendered {
            reason: "x".to_owned(),
            is_undefined,
        };
        for filled in [
            Ok(Some(String::new())),
            Ok(None),
            Err(lacking(true)),
            Err(lacking(false)),
        ] {
            let done = Done::Filled(filled);
            let parts = done.to_parts(|parts| parts.iter().map(|part| part.to_vec()).collect());
            assert_eq!(Done::of_parts(parts), Some(done));
        }
    }

    #[test]
    fn templates_arrive_as_they_were_sent() {
        let filling = Filling {
            purpose: Purpose::Value,
            name: "body (1)".to_owned(),
            source: "{% set value = (args.a) %}".to_owned(),
            levels: 12,
            limit: 1 << 40,
        };
        let job = Job::Fill {
            filling: &filling,
            names: &["args", "{}", "body", "1"],
        };
        let parts: Vec<Vec<u8>> = job.to_parts(|parts| parts.iter().map(|part| part.to_vec()).collect());
        match Order::of_parts(&parts) {
            Some(Order::Fill {
                filling: arrived,
                names,
            }) => {
                assert_eq!((arrived, names), (filling, vec!["args", "{}", "body", "1"]));
            }
            other => panic!("{other:?}"),
        }
    }
}
