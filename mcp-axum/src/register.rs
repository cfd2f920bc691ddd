//! `[[register]]`: where this gateway says itself that it is there, for as long as it is. Each place has a task of its own: one that does not answer holds up
//! nobody.

mod enlistment;
mod over_http;
mod table;

use crate::{
    app::App,
    settings::{Settings, SettingsError},
    telemetry::metrics::RegisterMetrics,
};
use enlistment::Enlistment;
use mcp_common::plugin::{PluginError, all_problems};
use std::sync::Arc;
use table::Entry;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Each is a task.
const MOST: usize = 16;

/// What is wrong with the tables.
pub(crate) fn problems(settings: &Settings) -> Vec<SettingsError> {
    let tables = &settings.register.0;
    let mut found = Vec::new();
    if tables.len() > MOST {
        found.push(SettingsError::value("register", format!("at most {MOST}")));
    }
    for (number, table) in tables.iter().enumerate() {
        let place = format!("register[{number}]");
        let check = |table: &serde_json::Value| {
            let read = Entry::read(&place, table, &settings.app);
            read.err().into_iter().collect::<Vec<PluginError>>()
        };
        for problem in all_problems(&place, table, check) {
            found.push(match problem {
                PluginError::Setting { key, reason } => SettingsError::value(key, reason),
                PluginError::NoSuchSettings { table, names, known } => {
                    let key = format!("{table}.{}", names.join(", "));
                    SettingsError::value(key, format!("no such setting; there are: {known}"))
                }
                other => SettingsError::value(&*place, other.to_string()),
            });
        }
    }
    found
}

/// Where this gateway says that it is.
pub(crate) fn addresses(settings: &Settings) -> Vec<String> {
    let tables = settings.register.0.iter().enumerate();
    let entry = |(number, table): (usize, &serde_json::Value)| {
        Entry::read(&format!("register[{number}]"), table, &settings.app).ok()
    };
    tables.filter_map(entry).map(|entry| entry.address).collect()
}

/// One place, and what ends its task.
struct Known {
    entry: Entry,
    stop: CancellationToken,
    /// Its task is over, and what it has said is taken back.
    ended: CancellationToken,
}

/// Is known wherever the configuration says, until the gateway ends.
pub(crate) async fn run(mut configured: watch::Receiver<Arc<App>>, metrics: RegisterMetrics) {
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut known: Vec<Known> = Vec::new();
    loop {
        let app = configured.borrow_and_update().clone();
        let draining = app.draining.clone();
        let tables = app.settings.register.0.iter().enumerate();
        // Those that cannot be read were refused with the configuration.
        let wanted = tables.filter_map(|(number, table)| {
            Entry::read(&format!("register[{number}]"), table, &app.settings.app).ok()
        });
        let wanted: Vec<Entry> = wanted.collect();
        drop(app);
        // What is taken back must not take away what is said anew under the same name.
        let mut ending = Vec::new();
        known.retain(|one| {
            let stays = wanted.contains(&one.entry);
            if !stays {
                one.stop.cancel();
                ending.push(one.ended.clone());
            }
            stays
        });
        for entry in wanted {
            if known.iter().any(|one| one.entry == entry) {
                continue;
            }
            // Ends with the gateway, or with its table.
            let stop = draining.child_token();
            let enlistment = Enlistment::new(entry.clone(), configured.clone(), &metrics);
            let ended = CancellationToken::new();
            let (stopped, over) = (stop.clone(), ended.clone().drop_guard());
            let before = ending.clone();
            tasks.spawn(async move {
                for other in before {
                    other.cancelled().await;
                }
                if let Some(enlistment) = enlistment {
                    enlistment.last_until(&stopped).await;
                }
                drop(over);
            });
            known.push(Known { entry, stop, ended });
        }
        loop {
            tokio::select! {
                Some(ended) = tasks.join_next() => match ended {
                    // Whoever looks after this begins it anew.
                    Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
                    _ if draining.is_cancelled() && tasks.is_empty() => return,
                    _ => {}
                },
                () = draining.cancelled(), if tasks.is_empty() => return,
                changed = configured.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Layers;
    use serde_json::{Value, json};

    fn found(tables: Value) -> Vec<String> {
        let layers = Layers {
            directory: "does-not-exist".into(),
            ..Layers::default()
        };
        let mut settings = Settings::load(&layers).unwrap();
        settings.register = serde_json::from_value(tables).unwrap();
        problems(&settings).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_its_place() {
        let here = "http://gw.example/mcp/i";
        let right = json!([
            {"type": "gateway", "url": "https://registry.example/", "name": "a", "address": here, "token": "t"},
            {"type": "consul", "name": "a", "address": here, "ttl": 60},
            {"type": "etcd", "endpoints": ["http://127.0.0.1:2379"], "name": "a", "address": here},
        ]);
        assert_eq!(found(right), [""; 0]);
        let wrong = json!([
            {"type": "zookeeper"},
            {"type": "gateway", "name": "a", "address": here},
            {"type": "gateway", "url": "ftp://x", "name": "a", "address": here},
            {"type": "gateway", "url": "http://x", "name": "a"},
            {"type": "gateway", "url": "http://x", "address": here},
            {"type": "gateway", "url": "http://x", "name": "a", "address": "gw.example"},
            {"type": "gateway", "url": "http://x", "name": "a", "address": here, "ttl": 5},
            {"type": "consul", "name": "a", "address": here, "ttl": 5, "interval": 5},
            {"type": "consul", "name": "a", "address": here, "token": "a", "token_file": "b"},
            {"type": "etcd", "name": "a", "address": here},
        ]);
        let expected = [
            "register[0].type: must be gateway, consul",
            "register[1].url: is missing",
            "register[2].url: is no URL",
            "register[3].address: is missing",
            "register[4].name: is missing",
            "register[5].address: is no URL",
            "register[6].ttl: no such setting; there are: type",
            "register[7].interval: must be less than the ttl, which is 5",
            "register[8].token: give one of",
            "register[9].endpoints: ",
        ];
        let found = found(wrong);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
