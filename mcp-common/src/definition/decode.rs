//! Document → typed definition, with the field path of the first error and a warning for every unknown member.

use crate::{
    document::Document,
    json,
    problem::{Problem, Problems},
};
use serde::de::DeserializeOwned;

/// What the document says, as `T`, and a warning for each member that `T` does not know.
pub fn decode<T: DeserializeOwned>(document: &Document) -> Result<(T, Vec<String>), Problems> {
    let text = document.to_json();
    let mut input = serde_json::Deserializer::from_str(&text);
    let mut track = serde_path_to_error::Track::new();
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
    let tracked = serde_path_to_error::Deserializer::new(&mut input, &mut track);
    let value = T::deserialize(serde_ignored::Deserializer::new(tracked, &mut note));
    value
        .map(|value| {
            (
                value,
                unknown
                    .iter()
                    .map(|path| format!("{}: unknown member, kept but not used", path.replace(".?", "")))
                    .collect(),
            )
        })
        .map_err(|error| {
            let path = track.path().to_string();
            // Line and column would speak of the re-written text; the path says it better.
            let reason = json::reason(&error);
            Problem::at(
                if path == "." {
                    String::new()
                } else {
                    path.replace(".?", "")
                },
                reason,
            )
            .into()
        })
}
