//! The line of a file that a problem is about.

use crate::settings::Layers;
use toml::de::{DeTable, DeValue};

/// File and line of the first problem that names a key of the file.
pub(super) fn of(layers: &Layers, problems: &[String]) -> Option<String> {
    let file = layers.effective_file().ok()??;
    let text = std::fs::read_to_string(&file).ok()?;
    let keys = problems.iter().filter_map(|problem| problem.split_once(':'));
    let line = keys.map(|(key, _)| key).find_map(|key| line_of(&text, key))?;
    Some(format!("{}:{line}", file.display()))
}

fn line_of(text: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut at = table.get_ref();
    let mut steps = key.split('.').peekable();
    while let Some(step) = steps.next() {
        // What is inside of a list has no name.
        let step = step.split('[').next()?;
        let (name, value) = at.iter().find(|(name, _)| name.get_ref().as_ref() == step)?;
        match value.get_ref() {
            DeValue::Table(inner) if steps.peek().is_some() => at = inner,
            _ => return Some(text[..name.span().start].matches('\n').count() + 1),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn keys_have_lines() {
        let text = "[app]\nport = 1\n\n[authenticator.api_key]\nkeys = []\n[log]\nlog_level = \"x\"\n";
        assert_eq!(line_of(text, "app.port"), Some(2));
        assert_eq!(line_of(text, "authenticator.api_key.keys[0].key"), Some(5));
        assert_eq!(line_of(text, "log.log_level"), Some(7));
        assert_eq!(line_of(text, "app.host"), None);
        assert_eq!(line_of("[[[", "app.host"), None);
    }
}
