//! Where a configuration is looked for that nobody names, and where the first one is made. The aggregator Only1MCP looked in the same order.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Below the folder for configurations, and below that for data.
const OWN: &str = "dynmcp";
const FILE: &str = "dynmcp.toml";

/// The folders of whoever runs this.
#[derive(Debug)]
pub(crate) struct Home {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
}

impl Home {
    /// `None` where there is no home directory.
    pub(crate) fn of(environment: &HashMap<String, String>) -> Option<Self> {
        let absolute = |name: &str| {
            let path = environment.get(name).map(PathBuf::from);
            // The specification of these variables has others ignored.
            path.filter(|path| path.is_absolute())
        };
        let home = absolute("HOME").or_else(std::env::home_dir)?;
        Some(Self {
            config: absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            data: absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")),
            home,
        })
    }

    /// The gateway's own file.
    pub(crate) fn file(&self) -> PathBuf {
        self.config.join(OWN).join(FILE)
    }

    /// Where the gateway keeps what it has.
    pub(crate) fn data(&self) -> PathBuf {
        self.data.join(OWN)
    }
}

/// After the file in `config/` of the working directory: the gateway's own, then those of the aggregator.
pub(super) fn places(home: Option<&Home>) -> Vec<PathBuf> {
    let own = home.map(|home| [home.file(), home.config.join("only1mcp/only1mcp.yaml")]);
    let of_home = home.map(|home| home.home.join(".only1mcp/config.yaml"));
    let here = ["only1mcp.yaml", "only1mcp.toml"].map(PathBuf::from);
    let of_system = PathBuf::from("/etc/only1mcp/config.yaml");
    own.into_iter()
        .flatten()
        .chain(here)
        .chain(of_home)
        .chain([of_system])
        .collect()
}

/// The first of them that is there.
pub(super) fn found(places: &[PathBuf]) -> Option<&Path> {
    places.iter().map(PathBuf::as_path).find(|place| place.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(variables: &[(&str, &str)]) -> Home {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Home::of(&variables.collect()).unwrap()
    }

    #[test]
    fn variables_that_are_no_absolute_paths_are_ignored() {
        let usual = home(&[
            ("HOME", "/h"),
            ("XDG_CONFIG_HOME", "relative"),
            ("XDG_DATA_HOME", ""),
        ]);
        assert_eq!(usual.file(), Path::new("/h/.config/dynmcp/dynmcp.toml"));
        assert_eq!(usual.data(), Path::new("/h/.local/share/dynmcp"));
        let other = home(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_HOME", "/d")]);
        assert_eq!(other.file(), Path::new("/c/dynmcp/dynmcp.toml"));
        assert_eq!(other.data(), Path::new("/d/dynmcp"));
        let places = places(Some(&other));
        assert_eq!(places[0], other.file());
        assert_eq!(places.len(), 6);
    }
}
