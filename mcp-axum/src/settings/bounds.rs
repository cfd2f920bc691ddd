//! `[bounds]`: what anything that comes in may have before it is parsed.

use super::SettingsError;
use mcp_common::bounds::{Bounds, Unit};
use mcp_common::byte_size::ByteSize;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

/// One size or number for each bound that [`Bounds`] has; the reference has them all.
#[derive(Clone, Debug, Deserialize)]
pub struct BoundsSettings(BTreeMap<String, ByteSize>);

impl BoundsSettings {
    /// The bounds, or which one cannot be had.
    pub fn read(&self) -> Result<Bounds, SettingsError> {
        let mut bounds = Bounds::default();
        for (key, most) in &self.0 {
            let set = bounds.set(key, most.as_usize());
            set.map_err(|reason| SettingsError::value(format!("bounds.{key}"), reason.to_string()))?;
        }
        Ok(bounds)
    }
}

impl Serialize for BoundsSettings {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let bounds = self.read().unwrap_or_default();
        let mut map = output.serialize_map(None)?;
        for bound in bounds.iter() {
            match bound.unit {
                Unit::Bytes => map.serialize_entry(bound.key, &ByteSize(bound.most as u64))?,
                Unit::Many(_) => map.serialize_entry(bound.key, &bound.most)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DEFAULT_TOML, Layers, Settings};
    use super::*;
    use std::collections::BTreeSet;

    fn with(variable: &str, value: &str) -> Result<Settings, SettingsError> {
        Settings::load(&Layers {
            environment: [(variable.to_owned(), value.to_owned())].into(),
            directory: "does-not-exist".into(),
            ..Layers::default()
        })
    }

    #[test]
    fn the_reference_has_every_bound_with_its_default() {
        let reference: toml::Table = DEFAULT_TOML.parse().unwrap();
        let settings: BoundsSettings = reference["bounds"].clone().try_into().unwrap();
        assert_eq!(settings.read().unwrap(), Bounds::default());
        let bounds = Bounds::default();
        let keys: BTreeSet<_> = bounds.iter().map(|bound| bound.key).collect();
        let shown = reference["bounds"].as_table().unwrap().keys();
        assert_eq!(shown.map(String::as_str).collect::<BTreeSet<_>>(), keys);
    }

    #[test]
    fn bounds_are_set_within_their_ceilings() {
        let settings = with("APP__BOUNDS__JQ_BYTES", "4KiB").unwrap();
        assert_eq!(settings.bounds.read().unwrap().jq_bytes.most, 4 << 10);
        let wrong = with("APP__BOUNDS__DEFINITION_DEPTH", "65")
            .unwrap_err()
            .to_string();
        assert!(
            wrong.contains("bounds.definition_depth") && wrong.contains("1 to 64"),
            "{wrong}"
        );
    }
}
