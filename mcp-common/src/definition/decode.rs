//! Document → typed definition, with the field path of every error and a warning for every unknown member.

mod misread;
mod mistakes;
mod near;

pub use misread::Misread;

use crate::{document::Document, json, problem::Problem};
use near::Known;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Track};
use std::borrow::Cow;

/// What the document says, as `T`, and a warning for each member that `T` does not know.
pub fn decode<T: DeserializeOwned + JsonSchema>(document: &Document) -> Result<(T, Vec<String>), Misread<T>> {
    let text = document.to_json();
    let mut unknown = Vec::new();
    match read(&text, &mut |path| unknown.push(path)) {
        Ok(value) => {
            let known = (!unknown.is_empty()).then(Known::of::<T>);
            let warning = |path: &String| {
                let near = known.as_ref().and_then(|known| known.near(path));
                let hint = near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
                format!("{path}: unknown member, kept but not used{hint}")
            };
            Ok((value, unknown.iter().map(warning).collect()))
        }
        Err(first) => Err(mistakes::all::<T>(&text, first)),
    }
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
        let hint = near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        Problem::at(self.field(), format!("{}{hint}", in_words(&self.reason)))
    }
}

/// Rust's names of types, for people who do not write Rust.
fn in_words(reason: &str) -> Cow<'_, str> {
    match reason.rsplit_once(", expected ") {
        Some((found, "u8" | "u16" | "u32" | "u64" | "usize")) => {
            format!("{found}, expected a whole number, 0 or more").into()
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
