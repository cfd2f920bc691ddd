use super::*;

fn settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: url.to_owned(),
        prefix: "t:".to_owned(),
        ..RedisSettings::default()
    }
}

#[test]
fn what_is_wrong_is_found_before_anybody_connects() {
    for url in [
        "redis://127.0.0.1",
        "redis://cache.internal:6380/2",
        "rediss://cache.internal",
        "redis://[::1]:6379",
    ] {
        assert_eq!(settings(url).problem(), None, "{url}");
    }
    for url in [
        "",
        "cache.internal",
        "http://cache.internal",
        "unix:///run/redis",
        "redis://",
        "redis://0.0.0.0",
        "redis://cache.internal/x",
        "redis://cache.internal?protocol=resp3",
        "rediss://cache.internal/#insecure",
        "redis://me:secret@cache.internal",
    ] {
        let (key, reason) = settings(url).problem().unwrap_or_else(|| panic!("{url}"));
        assert_eq!(key, "url", "{url}");
        assert!(!reason.contains("secret"), "{reason}");
    }
    let here = || settings("redis://127.0.0.1");
    let file = || Some(PathBuf::from("/does/not/exist"));
    let password = || Some(Secret::from("x"));
    for (key, wrong) in [
        (
            "username",
            RedisSettings {
                username: Some("me".to_owned()),
                ..here()
            },
        ),
        (
            "password_file",
            RedisSettings {
                password_file: file(),
                ..here()
            },
        ),
        (
            "password_file",
            RedisSettings {
                password_file: file(),
                password: password(),
                ..here()
            },
        ),
        (
            "ca_file",
            RedisSettings {
                ca_file: file(),
                ..here()
            },
        ),
        (
            "ca_file",
            RedisSettings {
                ca_file: file(),
                ..settings("rediss://127.0.0.1")
            },
        ),
    ] {
        assert_eq!(wrong.problem().map(|(key, _)| key), Some(key), "{wrong:?}");
    }
}

#[test]
fn a_password_is_read_from_a_file_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "s3cret\n").unwrap();
    let of_file = RedisSettings {
        password_file: Some(file.clone()),
        ..settings("redis://127.0.0.1")
    };
    assert_eq!(of_file.problem(), None);
    assert_eq!(of_file.password().unwrap().unwrap().expose_secret(), "s3cret");
    std::fs::write(&file, "\n").unwrap();
    assert!(of_file.problem().unwrap().1.ends_with("is empty"));
    let given = RedisSettings {
        password: Some(Secret::from("s3cret")),
        ..settings("redis://127.0.0.1")
    };
    assert!(!format!("{given:?}").contains("s3cret"));
}

#[test]
fn times_keep_their_parts_and_answers_are_read_as_they_are() {
    assert_eq!(micros(Duration::from_nanos(333_333_333)), "333333.333");
    assert_eq!(micros(Duration::from_nanos(1)), "0.001");
    assert_eq!(micros(Duration::from_secs(86_400)), "86400000000.000");
    assert_eq!(read(&[1, 5, 0]), Some(Taken::All(vec![5, 0])));
    assert_eq!(
        read(&[0, 1, 1_500_000]),
        Some(Taken::Refused {
            by: 1,
            wait: Duration::from_millis(1_500)
        })
    );
    for wrong in [&[][..], &[2], &[0], &[0, -1, 5], &[0, 1, -5]] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
}
