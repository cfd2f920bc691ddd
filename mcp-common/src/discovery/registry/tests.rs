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
    let moved = moved.unwrap();
    assert!(!moved.is_new, "an administrator may");
    assert_eq!(
        (&moved.entry.owner, &*moved.entry.registration.url),
        (&one, "http://b/mcp"),
        "it stays whose it was"
    );
    assert!(matches!(
        registry.unregister("Weather A", &two, false),
        Err(NotRegistered::Taken(_))
    ));
    registry.heartbeat("Weather A", &one, false).unwrap();
    registry.unregister("Weather A", &two, true).unwrap();
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
    for name in ["", "a/b", "a\nb", &"x".repeat(129), "--", "a-", "a-é", " a", "é"] {
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
    for broken in ["{", "[", "3"] {
        std::fs::write(&path, broken).unwrap();
        assert!(Registry::open(kept.clone()).all().is_empty());
    }
    let files = std::fs::read_dir(folder.path().join("new")).unwrap();
    let mut aside: Vec<(String, String)> = files
        .map(|file| file.unwrap().path())
        .map(|file| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (std::fs::read_to_string(&file).unwrap(), name)
        })
        .collect();
    aside.sort();
    let [(three, third), (list, second), (object, first)] = &aside[..] else {
        panic!("none takes the place of another one: {aside:?}")
    };
    assert_eq!((&**three, &**list, &**object), ("3", "[", "{"));
    assert_eq!(first, "registrations.broken.json");
    for dated in [second, third] {
        assert!(dated.starts_with("registrations.broken-"), "{dated}");
    }
}

#[tokio::test]
async fn what_could_not_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("place");
    // A file where a folder has to be.
    std::fs::write(&place, "").unwrap();
    let kept = RegistrySettings {
        file: Some(place.join("registrations.json")),
        ..settings()
    };
    let registry = Arc::new(Registry::open(kept.clone()));
    let mut announcements = Announcements::new(registry.clone());
    enter(&registry, "a", "one").unwrap();
    for _ in 0..2 {
        let Look::Set(set) = announcements.look().await.unwrap() else {
            panic!("nothing is tried")
        };
        assert_eq!(set.upstreams.len(), 1);
        assert!(set.notes[0].contains("cannot be written"), "{:?}", set.notes);
    }
    std::fs::remove_file(&place).unwrap();
    let Look::Set(set) = announcements.look().await.unwrap() else {
        panic!("nothing is tried")
    };
    assert_eq!(set.notes, Vec::<String>::new());
    assert!(matches!(announcements.look().await.unwrap(), Look::Same));
    assert!(Registry::open(kept).find("a").is_some());
}

#[test]
fn what_is_written_is_not_even_copied_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = file::File::open(folder.path().join("registrations.json"));
    file.keep(|| 1, Vec::new).unwrap();
    file.keep(|| 1, || panic!("nothing has changed")).unwrap();
}
