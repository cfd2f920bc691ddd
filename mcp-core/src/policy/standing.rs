//! Where a caller stands with the limits of a call, as the header fields `RateLimit-Policy` and `RateLimit` say it
//! (draft-ietf-httpapi-ratelimit-headers-10).

use std::{fmt::Write, time::Duration};

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The member of `limits` where it stands.
    pub(super) name: &'static str,
    /// How many calls in the window.
    pub(super) quota: u32,
    pub(super) window: Duration,
    /// How many are left now.
    pub(super) left: u32,
    /// When all of them are there again.
    pub(super) reset: Duration,
}

/// What holds for a call, each kind of limit by the one of which the least is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing(Vec<Line>);

impl Standing {
    pub(super) fn of(line: Line) -> Self {
        Self(vec![line])
    }

    fn add(&mut self, line: Line) {
        match self.0.iter_mut().find(|known| known.name == line.name) {
            None => {
                self.0.push(line);
                self.0.sort_unstable_by_key(|line| line.name);
            }
            Some(known) if (line.left, known.reset) < (known.left, line.reset) => *known = line,
            Some(_) => {}
        }
    }

    pub(super) fn extend(&mut self, line: Option<Line>) {
        if let Some(line) = line {
            self.add(line);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The field `RateLimit-Policy`: what the limits are.
    pub fn policy(&self) -> String {
        self.written(|out, line| write!(out, "q={};w={}", line.quota, seconds(line.window)))
    }

    /// The field `RateLimit`: what is left of them.
    pub fn left(&self) -> String {
        self.written(|out, line| write!(out, "r={};t={}", line.left, seconds(line.reset)))
    }

    fn written(&self, parameters: impl Fn(&mut String, &Line) -> std::fmt::Result) -> String {
        let mut out = String::with_capacity(48 * self.0.len());
        for line in &self.0 {
            if !out.is_empty() {
                out.push_str(", ");
            }
            // Into a string nothing fails.
            let _ = write!(out, "\"{}\";", line.name).and_then(|()| parameters(&mut out, line));
        }
        out
    }
}

/// Whole ones, and never less than is meant.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &'static str, left: u32, reset: u64) -> Line {
        Line {
            name,
            quota: 20,
            window: Duration::from_millis(1_500),
            left,
            reset: Duration::from_secs(reset),
        }
    }

    #[test]
    fn each_kind_is_said_once_by_the_limit_with_the_least_left() {
        let mut standing = Standing::of(line("rate", 7, 1));
        for more in [line("rate", 3, 2), line("rate", 5, 9), line("per_day", 0, 60)] {
            standing.add(more);
        }
        assert_eq!(standing.policy(), "\"per_day\";q=20;w=2, \"rate\";q=20;w=2");
        assert_eq!(standing.left(), "\"per_day\";r=0;t=60, \"rate\";r=3;t=2");
        // Of two with as much left it is the one that takes longer.
        standing.add(line("rate", 3, 8));
        assert_eq!(standing.left(), "\"per_day\";r=0;t=60, \"rate\";r=3;t=8");
    }
}
