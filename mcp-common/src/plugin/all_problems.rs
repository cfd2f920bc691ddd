//! Everything that is wrong with a plugin's table. Whoever reads one stops at what comes first: settings that there are not come before all others, and a
//! value that cannot be read hides the next one.

use super::{PluginError, Settings};
use serde_json::Value;
use std::collections::BTreeSet;

/// What `check` finds wrong with the settings at this place of the configuration, and what it finds when those that there are not and those that cannot be
/// read are taken out.
pub fn all_problems(
    place: &str,
    settings: &Settings,
    check: impl Fn(&Settings) -> Vec<PluginError>,
) -> Vec<PluginError> {
    let mut rest = settings.clone();
    let (mut all, mut told) = (Vec::new(), BTreeSet::new());
    loop {
        let (mut others, mut is_less) = (Vec::new(), false);
        for problem in check(&rest) {
            match problem {
                PluginError::NoSuchSettings {
                    table,
                    mut names,
                    known,
                } => {
                    // A configuration has them in no order.
                    names.sort();
                    for name in names {
                        is_less |= take_out(&mut rest, place, &table, &name);
                        if told.insert((table.clone(), name.clone())) {
                            all.push(PluginError::NoSuchSettings {
                                table: table.clone(),
                                names: vec![name],
                                known: known.clone(),
                            });
                        }
                    }
                }
                other => others.push(other),
            }
        }
        // What else there was is found again where something was taken out.
        if !is_less {
            all.extend(and_misread(others, rest, place, check));
            return all;
        }
    }
}

/// These, and the values that cannot be read where those that are known of are not there. Nothing else that is found then: what is missing may be what was taken out.
fn and_misread(
    mut found: Vec<PluginError>,
    mut settings: Settings,
    place: &str,
    check: impl Fn(&Settings) -> Vec<PluginError>,
) -> Vec<PluginError> {
    let mut told = BTreeSet::new();
    let mut new: Vec<String> = found.iter().filter_map(misread).collect();
    while !new.is_empty() {
        let mut is_less = false;
        for key in new.drain(..) {
            if let Some((table, name)) = key.rsplit_once('.') {
                is_less |= take_out(&mut settings, place, table, name);
            }
            told.insert(key);
        }
        if !is_less {
            break;
        }
        for problem in check(&settings) {
            if let Some(key) = misread(&problem).filter(|key| !told.contains(key)) {
                new.push(key);
                found.push(problem);
            }
        }
    }
    found
}

fn misread(problem: &PluginError) -> Option<String> {
    match problem {
        PluginError::Misread { key, .. } => Some(key.clone()),
        _ => None,
    }
}

/// Whether it was there.
fn take_out(settings: &mut Settings, place: &str, table: &str, name: &str) -> bool {
    let path = table.strip_prefix(place);
    let table = path.and_then(|path| inside(settings, path));
    let members = table.and_then(Value::as_object_mut);
    members.is_some_and(|members| members.shift_remove(name).is_some())
}

/// The value at a path such as `.issuers[0]`.
fn inside<'v>(value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (index, rest) = rest.split_once(']')?;
        return inside(value.get_mut(index.parse::<usize>().ok()?)?, rest);
    }
    let rest = path.strip_prefix('.')?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    inside(value.get_mut(name)?, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Table;
    use serde_json::json;

    const PLACE: &str = "authenticator.x";

    /// As plugins are written: the first problem of the table, or of each entry of a list.
    fn check(settings: &Settings) -> Vec<PluginError> {
        let read = || {
            let table = Table::new(PLACE, settings, &["poll_ms", "history", "list"])?;
            table.number("poll_ms", 10..=1_000, 100)?;
            table.number("history", 1..=10, 5)?;
            Ok::<_, PluginError>(table.get("list"))
        };
        let list = match read() {
            Ok(list) => list.and_then(Value::as_array),
            Err(problem) => return vec![problem],
        };
        let one = |(index, entry): (usize, &Value)| {
            let table = Table::new(format!("{PLACE}.list[{index}]"), entry, &["name"])?;
            table
                .text("name")?
                .ok_or_else(|| table.wrong("name", "must be given"))?;
            Ok::<_, PluginError>(())
        };
        let list = list.into_iter().flatten().enumerate();
        list.filter_map(|entry| one(entry).err()).collect()
    }

    fn found(settings: &Settings) -> Vec<String> {
        let problems = all_problems(PLACE, settings, check);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_there_is_not_hides_nothing() {
        assert_eq!(found(&json!({"poll_ms": 20})), [""; 0]);
        assert_eq!(found(&Value::Null), [""; 0]);
        assert_eq!(
            found(&json!({"pol_ms": 5, "poll_ms": "soon", "history": 0, "b": 1})),
            [
                "authenticator.x.b: no such setting; there are: poll_ms, history, list",
                "authenticator.x.pol_ms: no such setting; there are: poll_ms, history, list",
                "authenticator.x.poll_ms: expected a whole number from 10 to 1000, not `soon`",
                "authenticator.x.history: expected a whole number from 1 to 10, not `0`",
            ]
        );
        assert_eq!(
            found(&json!({"lst": [], "list": [{"name": "a"}, {"nam": "b", "c": 1}, {"name": 5}]})),
            [
                "authenticator.x.lst: no such setting; there are: poll_ms, history, list",
                "authenticator.x.list[1].c: no such setting; there are: name",
                "authenticator.x.list[1].nam: no such setting; there are: name",
                "authenticator.x.list[1].name: must be given",
                "authenticator.x.list[2].name: expected text that is not empty",
            ]
        );
    }

    /// What is only wrong because something was taken out is nobody's mistake.
    #[test]
    fn what_cannot_be_read_hides_no_other_and_nothing_is_made_up() {
        let check = |settings: &Settings| {
            let read = || {
                let table = Table::new(PLACE, settings, &["issuer", "is_open", "age"])?;
                let issuer = table.text("issuer")?;
                table.flag("is_open")?;
                issuer.ok_or_else(|| table.wrong("issuer", "must be given"))?;
                table.number("age", 1..=9, 5)?;
                Ok::<_, PluginError>(())
            };
            read().err().into_iter().collect::<Vec<_>>()
        };
        let problems = all_problems(PLACE, &json!({"issuer": 5, "is_open": "maybe", "age": 10}), check);
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "authenticator.x.issuer: expected text that is not empty",
                "authenticator.x.is_open: expected true or false",
            ]
        );
    }

    /// Written as a text in a variable of the environment, or named otherwise than it stands there.
    #[test]
    fn what_cannot_be_taken_out_is_told_once() {
        let elsewhere = |_: &Settings| {
            vec![PluginError::NoSuchSettings {
                table: "elsewhere".to_owned(),
                names: vec!["a".to_owned()],
                known: "b".to_owned(),
            }]
        };
        assert_eq!(all_problems(PLACE, &json!({"a": 1}), elsewhere).len(), 1);
    }
}
