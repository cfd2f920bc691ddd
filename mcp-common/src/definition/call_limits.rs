//! How many calls may be made (`limits`): by the holder of a key, or by all callers together.

use crate::problem::Problem;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use std::{borrow::Cow, fmt, num::NonZeroU32, str::FromStr, time::Duration};

/// How many calls may be made. Calls are what makes work: of tools, prompts, resources and completion; lists and streams are
/// none. Each replica counts for itself, unless the configuration has all of them count in one Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CallLimits {
    /// How many calls in a time: `20/s`, `5/min`, `100/h`, `1000/d`.
    pub rate: Option<Rate>,
    /// How many calls at once before `rate` counts, after a pause; as many as `rate` says where nothing is said.
    pub burst: Option<NonZeroU32>,
    /// How many calls that are under way at the same time.
    pub concurrent: Option<NonZeroU32>,
    /// How many calls from midnight to midnight, UTC.
    pub per_day: Option<NonZeroU32>,
}

/// Longer ones are mistyped, and counting in nanoseconds ends somewhere.
const LONGEST_BURST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A number of calls in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The number of calls.
    pub calls: NonZeroU32,
    /// The time in which they are counted.
    pub per: Per,
}

/// The time of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// `s`
    Second,
    /// `min`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
}

impl CallLimits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong with it: its place below `limits`, and why.
    pub fn problem(&self) -> Option<Problem> {
        let burst = self.burst?;
        let Some(rate) = self.rate else {
            return Some(Problem::at("limits.burst", "means nothing without `limits.rate`"));
        };
        let refilled = rate.between().checked_mul(burst.get());
        let is_too_long = refilled.is_none_or(|time| time > LONGEST_BURST);
        is_too_long.then(|| {
            let reason = format!("{burst} calls at once are more than {rate} gives in a year");
            Problem::at("limits.burst", reason)
        })
    }
}

impl Rate {
    /// The time from one call to the next, were they spread evenly; not nothing, however many there are.
    pub fn between(self) -> Duration {
        (self.per.duration() / self.calls.get()).max(Duration::from_nanos(1))
    }
}

impl Per {
    const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    /// The word after the slash.
    pub fn word(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
            Self::Day => "d",
        }
    }

    /// How long it is.
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.calls, self.per.word())
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be a number and a time: 20/s, 5/min, 100/h, 1000/d";
        let (calls, per) = text.split_once('/').ok_or(wrong)?;
        let calls = calls.trim().parse().map_err(|_| wrong)?;
        let per = Per::ALL
            .into_iter()
            .find(|known| known.word() == per.trim())
            .ok_or(wrong)?;
        Ok(Self { calls, per })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(input)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^ *[1-9][0-9]* */ *(s|min|h|d) *$", "examples": ["20/s"]})
    }
}
