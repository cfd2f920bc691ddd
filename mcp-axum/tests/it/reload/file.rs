//! What becomes of the file: broken, gone, written often, replaced, and in the way that orchestrators do.

use super::{Configuration, failed, metric, reloaded, status, with_key, write};
use crate::test_app::{DEADLINE, TestApp};
use serde_json::json;
use std::{fs, time::Duration};

const KEY: &str = "a-key-that-was-added";

#[tokio::test]
async fn what_is_broken_changes_nothing_and_is_shown_with_its_line() {
    let app = TestApp::start().await;
    let configuration = Configuration::followed(&app).await;
    write(&app, &configuration.with("[[["));
    let error = failed(&app, 1).await;
    let line = configuration.base.lines().count() + 1;
    let place = format!("{}:{line}: ", app.configuration().display());
    assert!(error.starts_with(&place), "{error}");
    app.user().get("/readyz").await.ok();
    app.anonymous().get("/readyz?strict").await.ok();
    app.user().get("/metrics").await.ok();
    assert_eq!(metric(&app, "dynmcp_config_reload_errors_total"), 1);
    assert_eq!(metric(&app, "dynmcp_config_reload_total"), 0);

    write(&app, &configuration.with_app("max_body_bytes = 'many'"));
    let error = failed(&app, 2).await;
    let place = format!("{}:2: app.max_body_bytes: ", app.configuration().display());
    assert!(error.starts_with(&place), "{error}");
    for path in ["/admin/config/status", "/api/v1/admin/config/status"] {
        let shown = app.admin().get(path).await.data();
        assert_eq!(shown["last_error"]["reason"], error, "{shown}");
        assert_eq!(shown["errors"], 2);
        app.user().get(path).await.error(403);
        app.anonymous().get(path).await.error(401);
    }
    let shown = app.admin().get("/admin/status").await.data();
    assert_eq!(shown["config"]["last_error"]["reason"], error);

    write(&app, &configuration.base);
    reloaded(&app, 1).await;
    assert_eq!(status(&app)["last_error"], json!(null));
    app.user().get("/metrics").await.ok();
}

#[tokio::test]
async fn a_file_that_is_gone_changes_nothing() {
    let app = TestApp::start().await;
    let configuration = Configuration::followed(&app).await;
    let aside = app.configuration().with_extension("aside");
    fs::rename(app.configuration(), &aside).unwrap();
    let error = failed(&app, 1).await;
    assert_eq!(error, format!("{} is gone", app.configuration().display()));
    app.anonymous().get("/readyz").await.ok();
    app.user().get("/metrics").await.ok();
    fs::rename(&aside, app.configuration()).unwrap();
    reloaded(&app, 1).await;
    write(&app, &configuration.with_key("added", KEY));
    reloaded(&app, 2).await;
    with_key(&app, KEY).get("/metrics").await.ok();
}

#[tokio::test]
async fn many_writes_are_one_change_and_the_last_one_counts() {
    let app = TestApp::start().await;
    let configuration = Configuration::followed(&app).await;
    for number in 1..=20 {
        write(&app, &configuration.with_key("added", &format!("{KEY}-{number}")));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    reloaded(&app, 1).await;
    with_key(&app, &format!("{KEY}-20")).get("/metrics").await.ok();
    with_key(&app, &format!("{KEY}-19"))
        .get("/metrics")
        .await
        .error(401);
    assert_eq!(metric(&app, "dynmcp_config_reload_total"), 1);
    // The same again is no change.
    write(&app, &configuration.with_key("added", &format!("{KEY}-20")));
    write(&app, &configuration.base);
    reloaded(&app, 2).await;
    with_key(&app, &format!("{KEY}-20"))
        .get("/metrics")
        .await
        .error(401);
}

#[tokio::test]
async fn editors_put_another_file_in_its_place() {
    let app = TestApp::start().await;
    let configuration = Configuration::followed(&app).await;
    let file = app.configuration();
    for number in 1..=3 {
        let key = format!("{KEY}-{number}");
        let (backup, new) = (file.with_extension("toml~"), file.with_extension("new"));
        fs::rename(&file, &backup).unwrap();
        fs::write(&new, configuration.with_key("added", &key)).unwrap();
        fs::rename(&new, &file).unwrap();
        fs::remove_file(&backup).unwrap();
        reloaded(&app, number).await;
        with_key(&app, &key).get("/metrics").await.ok();
    }
    assert_eq!(metric(&app, "dynmcp_config_reload_errors_total"), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_config_map_changes_by_another_link() {
    use std::os::unix::fs::symlink;
    let app = TestApp::start().await;
    let file = app.configuration();
    let base = fs::read_to_string(&file).unwrap();
    let folder = file.parent().unwrap();
    let version = |number: u32, text: &str| {
        let version = folder.join(format!("..version-{number}"));
        fs::create_dir(&version).unwrap();
        fs::write(version.join("test.toml"), text).unwrap();
        symlink(&version, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    version(1, &base);
    fs::remove_file(&file).unwrap();
    symlink("..data/test.toml", &file).unwrap();
    let configuration = Configuration::followed(&app).await;
    version(2, &configuration.with_key("added", KEY));
    reloaded(&app, 1).await;
    with_key(&app, KEY).get("/metrics").await.ok();
    version(3, &configuration.base);
    reloaded(&app, 2).await;
    with_key(&app, KEY).get("/metrics").await.error(401);
    assert_eq!(metric(&app, "dynmcp_config_reload_errors_total"), 0);
}

/// Nobody writes a configuration anew because a file that it names was not there for a moment.
#[tokio::test]
async fn what_is_missing_for_a_moment_is_looked_for_again() {
    let app = TestApp::start().await;
    let configuration = Configuration::followed(&app).await;
    let secret = app.directory().join("secret");
    let webhook = format!(
        "[[webhooks]]\nurl = 'http://127.0.0.1:9'\nsecret_file = '{}'\n",
        secret.display()
    );
    write(&app, &configuration.with(&webhook));
    let error = failed(&app, 1).await;
    assert!(error.contains("webhooks[0].secret_file"), "{error}");
    fs::write(&secret, "a-secret-of-tests").unwrap();
    reloaded(&app, 1).await;
    assert_eq!(status(&app)["last_error"], json!(null));
    assert_eq!(status(&app)["errors"], 1, "it was as wrong as before until then");
    assert_eq!(app.app().current().unwrap().now().settings.webhooks.len(), 1);
}

#[tokio::test]
async fn it_is_read_again_when_somebody_wants_it() {
    let app = TestApp::start().await;
    Configuration::followed(&app).await;
    app.reload();
    reloaded(&app, 1).await;
    assert_eq!(status(&app)["requires_restart"], json!([]));
}

#[tokio::test]
async fn whoever_follows_it_comes_back_after_a_panic() {
    let app = TestApp::start().await;
    let configuration = Configuration::followed(&app).await;
    app.app().tasks.make_panic("config");
    let start = std::time::Instant::now();
    while app
        .app()
        .tasks
        .report()
        .iter()
        .all(|task| task.name != "config" || task.restarts == 0)
    {
        assert!(start.elapsed() < DEADLINE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    write(&app, &configuration.with_key("added", KEY));
    reloaded(&app, 1).await;
    with_key(&app, KEY).get("/metrics").await.ok();
}
