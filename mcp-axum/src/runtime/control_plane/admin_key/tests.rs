use super::*;
use crate::settings::Layers;

fn settings(directory: &Path, file: &str) -> Settings {
    let config = directory.join("test.toml");
    fs::write(&config, file).unwrap();
    let data = directory.join("data").display().to_string();
    let layers = Layers {
        file: Some(config),
        overrides: vec![("app.data_dir", data)],
        ..Layers::default()
    };
    Settings::load(&layers).unwrap()
}

#[test]
fn the_first_start_stores_only_the_hash_and_the_second_finds_it() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), "");
    let first = AdminKey::find(&settings).unwrap();
    let shown_hash = first.tables(&settings)["api_key"]["keys"][0]["hash"].clone();
    let key = first.store_if_new().unwrap().unwrap();
    assert!(key.expose_secret().starts_with("dyn_") && key.expose_secret().len() == 47);

    let file = settings.app.data_dir.join(FILE);
    let stored = fs::read_to_string(&file).unwrap();
    assert_eq!(stored.trim(), api_key::hash(key.expose_secret()));
    assert_eq!(stored.trim(), shown_hash);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    assert!(is_admins(&settings, key.expose_secret()));
    assert!(!is_admins(&settings, stored.trim()), "its hash opens nothing");
    let second = AdminKey::find(&settings).unwrap();
    assert!(matches!(&second, AdminKey::Stored { hash, .. } if hash == stored.trim()));
    assert!(second.store_if_new().unwrap().is_none());
}

#[test]
fn a_damaged_file_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), "");
    fs::create_dir_all(&settings.app.data_dir).unwrap();
    fs::write(settings.app.data_dir.join(FILE), "hello").unwrap();
    let error = AdminKey::find(&settings).err().unwrap().to_string();
    assert!(
        error.contains("admin-key.sha256 does not hold a SHA-256 hash; delete it"),
        "{error}"
    );
}

#[test]
fn it_is_known_which_keys_open_everything() {
    let directory = tempfile::tempdir().unwrap();
    let hash = api_key::hash("a-key-known-by-its-hash").to_uppercase();
    let file = format!(
        "[app]\napi_key = \"a-key-that-was-chosen\"\n[authenticator.api_key]\nkeys = [\
         {{ name = \"ops\", key = \"a-key-for-this-test\", admin = true }}, {{ name = \"ci\", hash = \"{hash}\", admin = true }}, \
         {{ name = \"client\", key = \"a-key-for-one-client\" }}]"
    );
    let settings = settings(directory.path(), &file);
    for (key, expected) in [
        ("a-key-that-was-chosen", true),
        ("a-key-for-this-test", true),
        ("a-key-known-by-its-hash", true),
        ("a-key-for-one-client", false),
        ("", false),
    ] {
        assert_eq!(is_admins(&settings, key), expected, "{key}");
    }
}

#[test]
fn no_key_is_made_where_none_is_needed() {
    let directory = tempfile::tempdir().unwrap();
    let cases = [
        "[app]\nauthenticators = [\"none\"]",
        "[[authenticator.api_key.keys]]\nname = \"ops\"\nkey = \"a-key-for-this-test\"\nadmin = true",
    ];
    for file in cases {
        let settings = settings(directory.path(), file);
        assert!(
            matches!(AdminKey::find(&settings).unwrap(), AdminKey::NotNeeded),
            "{file}"
        );
    }
    let settings = settings(
        directory.path(),
        "[app]\napi_key = \"a-key-that-was-chosen\"\n[[authenticator.api_key.keys]]\nname = \"client\"\nkey = \"a-key-for-this-test\"",
    );
    let key = AdminKey::find(&settings).unwrap();
    let tables = key.tables(&settings);
    assert_eq!(tables["api_key"]["keys"].as_array().map(Vec::len), Some(2));
    assert!(key.store_if_new().unwrap().is_none());
    assert!(!settings.app.data_dir.exists());
}
