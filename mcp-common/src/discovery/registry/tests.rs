use super::*;
use serde_json::json;

fn settings() -> RegistrySettings {
    RegistrySettings {
        stale_after: Duration::from_secs(600),
        forget_after: Duration::from_secs(600),
        most: 4,
        most_per_owner: 3,
        file: None,
    }
}

fn server(name: &str, url: &str) -> Registration {
    serde_json::from_value(json!({"name": name, "url": url})).unwrap()
}

fn enter(registry: &Registry, name: &str, owner: &str) -> Result<Registered, NotRegistered> {
    registry.register(server(name, "http://a/mcp"), &owner.into(), false, |_, _| Ok(()))
}

async fn found(announcements: &mut Announcements) -> Option<Vec<String>> {
    match announcements.look().await.unwrap() {
        Look::Same => None,
        Look::Set(set) => Some(set.upstreams.into_iter().map(|one| one.id).collect()),
    }
}

#[tokio::test]
async fn a_name_is_whose_it_was_first() {
    let registry = Arc::new(Registry::open(settings()));
    let mut announcements = Announcements::new(registry.clone());
    assert!(enter(&registry, "Weather A", "one").unwrap().is_new);
    assert!(!enter(&registry, "Weather A", "one").unwrap().is_new);
    assert_eq!(
        found(&mut announcements).await,
        Some(vec!["weather-a".to_owned()])
    );
    assert_eq!(found(&mut announcements).await, None);
    let taken = |result: Result<Registered, NotRegistered>| matches!(result, Err(NotRegistered::Taken(_)));
    assert!(taken(enter(&registry, "Weather A", "two")));
    assert!(
        taken(enter(&registry, "weather-a", "one")),
        "another name of the same id"
    );
    let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
    assert!(matches!(
        registry.heartbeat("Weather A", &two, false),
        Err(NotRegistered::Taken(_))
    ));
    assert!(matches!(
        registry.unregister("Weather A", &two, false),
        Err(NotRegistered::Taken(_))
    ));
    assert!(matches!(
        registry.heartbeat("x", &one, false),
        Err(NotRegistered::Unknown(_))
    ));
    let moved = registry.register(server("Weather A", "http://b/mcp"), &two, true, |_, _| Ok(()));
    assert!(!moved.unwrap().is_new, "an administrator may");
    registry.unregister("Weather A", &two, false).unwrap();
    assert_eq!(found(&mut announcements).await, Some(Vec::new()));
}

#[test]
fn there_are_bounds() {
    let registry = Registry::open(settings());
    for name in ["a", "b", "c"] {
        enter(&registry, name, "one").unwrap();
    }
    let full = |result: Result<Registered, NotRegistered>| matches!(result, Err(NotRegistered::Full(_)));
    assert!(full(enter(&registry, "d", "one")), "of one caller");
    enter(&registry, "d", "two").unwrap();
    assert!(full(enter(&registry, "e", "two")), "of all");
    assert!(
        !enter(&registry, "a", "one").unwrap().is_new,
        "who is in may go on"
    );
    for name in ["", "a/b", "a\nb", &"x".repeat(129), "--"] {
        let result = enter(&registry, name, "three");
        assert!(
            matches!(result, Err(NotRegistered::Invalid(_))),
            "{name:?}: {result:?}"
        );
    }
    let bad = registry.register(server("a", "nowhere"), &"one".into(), false, |_, _| {
        Err("url: is wrong".to_owned())
    });
    assert_eq!(bad.unwrap_err().to_string(), "url: is wrong");
    assert_eq!(
        registry.find("a").unwrap().registration.url,
        "http://a/mcp",
        "what was good stays"
    );
}

#[tokio::test]
async fn a_lease_ends_without_a_heartbeat_and_begins_again_with_one() {
    let brief = RegistrySettings {
        stale_after: Duration::from_secs(1),
        ..settings()
    };
    let registry = Arc::new(Registry::open(brief));
    let mut announcements = Announcements::new(registry.clone());
    enter(&registry, "a", "one").unwrap();
    assert_eq!(found(&mut announcements).await.unwrap().len(), 1);
    // A clock that jumps ends no lease.
    registry.entries().get_mut("a").unwrap().last_seen = SystemTime::UNIX_EPOCH;
    registry.changed.notified().await;
    tokio::time::timeout(Duration::from_secs(10), announcements.changed())
        .await
        .unwrap();
    assert_eq!(found(&mut announcements).await, Some(Vec::new()));
    assert!(registry.find("a").unwrap().is_stale);
    let entry = registry.heartbeat("a", &"one".into(), false).unwrap();
    assert!(!entry.is_stale && entry.last_seen > SystemTime::UNIX_EPOCH);
    assert_eq!(found(&mut announcements).await.unwrap().len(), 1);
    let forgetful = RegistrySettings {
        stale_after: Duration::ZERO,
        forget_after: Duration::ZERO,
        ..settings()
    };
    let registry = Registry::open(forgetful);
    enter(&registry, "a", "one").unwrap();
    assert!(registry.find("a").is_none());
}

#[test]
fn what_is_registered_outlives_a_restart_and_a_broken_file_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/registrations.json");
    let kept = RegistrySettings {
        file: Some(path.clone()),
        ..settings()
    };
    let registry = Registry::open(kept.clone());
    enter(&registry, "a", "one").unwrap();
    registry.keep().unwrap();
    let again = Registry::open(kept.clone());
    let (before, after) = (registry.find("a").unwrap(), again.find("a").unwrap());
    assert_eq!(
        (&before.registration, &before.id, &before.owner),
        (&after.registration, &after.id, &after.owner)
    );
    std::fs::write(&path, "{").unwrap();
    assert!(Registry::open(kept).all().is_empty());
    assert_eq!(
        std::fs::read_to_string(folder.path().join("new/registrations.broken.json")).unwrap(),
        "{"
    );
}
