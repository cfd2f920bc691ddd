//! Document → typed definition, with the field path of every error and a warning for every unknown member.

mod misread;
mod mistakes;
mod near;

pub use misread::Misread;
pub(super) use near::is_like;

use crate::{
    document::Document,
    json,
    problem::{Problem, Problems},
};
use near::Known;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Track};
use std::borrow::Cow;

/// What the document says, as `T`, and a warning for each member that `T` does not know.
pub fn decode<T: DeserializeOwned + JsonSchema>(document: &Document) -> Result<(T, Vec<String>), Misread<T>> {
    decoded(document).map(|decoded| (decoded.value, decoded.warnings))
}

/// A document that could be read.
pub(super) struct Decoded<T> {
    pub(super) value: T,
    /// One for each member that is not known.
    pub(super) warnings: Vec<String>,
    /// Those of them that are like a known one: what else is wrong with the document may come from them.
    pub(super) misspelt: Vec<Problem>,
    /// Those that can only have been meant for [`RESTRICTS`] or [`LIMITS`]: a warning would leave open what was to be closed.
    pub(super) unrestricted: Vec<Problem>,
}

/// The member that says for whom something is.
const RESTRICTS: &str = "access";
/// The member that says how often something may be used.
const LIMITS: &str = "limits";

/// The same as [`decode`], with what a refusal would name besides.
pub(super) fn decoded<T: DeserializeOwned + JsonSchema>(
    document: &Document,
) -> Result<Decoded<T>, Misread<T>> {
    let text = document.to_json();
    let mut unknown = Vec::new();
    let value = match read(&text, &mut |path| unknown.push(path)) {
        Ok(value) => value,
        Err(first) => return Err(mistakes::all::<T>(&text, first)),
    };
    let mut decoded = Decoded {
        value,
        warnings: Vec::new(),
        misspelt: Vec::new(),
        unrestricted: Vec::new(),
    };
    if unknown.is_empty() {
        return Ok(decoded);
    }
    let known = Known::of::<T>();
    for path in &unknown {
        // What begins with `x-` is somebody's own.
        let is_almost = |name: &str| !path.starts_with("x-") && near::is_almost(path, name);
        if known.has(RESTRICTS) && is_almost(RESTRICTS) {
            let reason = format!(
                "unknown member{} Under this name it restricts nothing",
                did_you_mean(RESTRICTS)
            );
            decoded.unrestricted.push(Problem::at(path.as_str(), reason));
        }
        if is_almost(LIMITS) && is_object(document, path) {
            let reason = match known.has(LIMITS) {
                true => format!(
                    "unknown member{} Under this name it limits nothing",
                    did_you_mean(LIMITS)
                ),
                false => NO_LIMITS.to_owned(),
            };
            decoded.unrestricted.push(Problem::at(path.as_str(), reason));
        }
        let near = known.near(path);
        let hint = near.as_ref().map_or_else(String::new, |name| did_you_mean(name));
        decoded.warnings.push(format!("{path}: {UNUSED}{hint}"));
        if near.is_some() && decoded.misspelt.len() < mistakes::MOST {
            decoded
                .misspelt
                .push(Problem::at(path.as_str(), format!("unknown member{hint}")));
        }
    }
    Ok(decoded)
}

/// What the document says and warnings, or everything that is wrong with it: what keeps it from being read, what `look` finds in
/// it, and the misspelt members. `follows` says whether the first place may be wrong only because the second one is.
pub(super) fn checked<T: DeserializeOwned + JsonSchema>(
    document: &Document,
    follows: impl Fn(&str, &str) -> bool,
    look: impl Fn(&T) -> Vec<Problem>,
) -> Result<(T, Vec<String>), Problems> {
    let decoded = decoded::<T>(document).map_err(|misread| misread.with(&follows, |rest| look(&rest)))?;
    let mut problems = look(&decoded.value);
    problems.extend(decoded.unrestricted);
    match problems.is_empty() {
        true => Ok((decoded.value, decoded.warnings)),
        false => Err(Problems(problems).and_misspelt(decoded.misspelt)),
    }
}

/// What is said of a member that nobody knows, of a document that is stored all the same.
pub const UNUSED: &str = "unknown member, kept but not used";

const NO_LIMITS: &str =
    "unknown member; it limits nothing here: keys, roles, tools, instances and upstreams have limits";

/// Whether the document has an object under this name: what somebody keeps there for themselves may be anything else.
fn is_object(document: &Document, name: &str) -> bool {
    let value = document.get(name);
    value.is_some_and(|value| value.get().starts_with('{'))
}

fn did_you_mean(name: &str) -> String {
    format!("; did you mean `{name}`?")
}

/// What is wrong in one place.
struct Mistake {
    path: Path,
    reason: String,
}

impl Mistake {
    /// Dotted, as in [`Problem::field`].
    fn field(&self) -> String {
        match self.path.to_string() {
            path if path == "." => String::new(),
            path => path.replace(".?", ""),
        }
    }

    fn problem(&self) -> Problem {
        let near = near::in_reason(&self.reason);
        let hint = near.map_or_else(String::new, |name| did_you_mean(&name));
        Problem::at(self.field(), format!("{}{hint}", in_words(&self.reason)))
    }
}

/// Rust's names of types, for people who do not write Rust.
fn in_words(reason: &str) -> Cow<'_, str> {
    match reason.rsplit_once(", expected ") {
        Some((found, "u8" | "u16" | "u32" | "u64" | "usize")) => {
            format!("{found}, expected a whole number, 0 or more").into()
        }
        // Of a word that is no text.
        None if reason == "expected value" => {
            "expected a text, one of the words that there are for it".into()
        }
        _ => reason.into(),
    }
}

fn read<T: DeserializeOwned>(text: &str, unknown: &mut impl FnMut(String)) -> Result<T, Mistake> {
    let mut input = serde_json::Deserializer::from_str(text);
    let mut track = Track::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown(path.to_string().replace(".?", ""));
    let tracked = serde_path_to_error::Deserializer::new(&mut input, &mut track);
    let value = T::deserialize(serde_ignored::Deserializer::new(tracked, &mut note));
    // Line and column would speak of the re-written text; the path says it better.
    value.map_err(|error| Mistake {
        path: track.path(),
        reason: json::reason(&error),
    })
}
