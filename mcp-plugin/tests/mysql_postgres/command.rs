//! `dynmcp migrate`, and gateways that leave the tables to it.

use super::store::{Store, contents, on_both, put};
use mcp_common::{
    datasource::SourceError,
    key::Key,
    migration::{Migrate, Migration},
    testsuite::Follower,
};
use mcp_plugin::datasource::mysql::{Migrations, Server};

on_both! {
    a_check_says_what_is_to_do_and_changes_nothing
    a_gateway_that_may_make_no_tables
    gateways_go_on_while_it_runs
    other_versions_are_named
    what_stands_in_the_way_is_said
    the_table_of_entries_that_end_is_looked_for
}

const TABLES: &str =
    "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'dynmcp%' AND table_schema = ";

async fn tables<S: Store>(store: &S) -> i64 {
    let schema = match S::SCHEME {
        "mysql" => "DATABASE()",
        _ => "current_schema()",
    };
    store.number(&format!("{TABLES}{schema}")).await
}

async fn migrate<S: Store>(store: &S, migrate: Migrate) -> Migration {
    S::migrate_with(store.settings(), migrate).await.unwrap()
}

async fn a_check_says_what_is_to_do_and_changes_nothing<S: Store>() {
    let store = S::fresh().await;
    let nothing = migrate(&store, Migrate::Check).await;
    assert_eq!(
        (nothing.found, nothing.wanted, tables(&store).await),
        (None, 1, 0)
    );
    assert!(
        nothing.steps[0].starts_with("0001_definitions"),
        "{:?}",
        nothing.steps
    );
    assert!(
        nothing.store.starts_with("database `") && !nothing.store.contains("://"),
        "{}",
        nothing.store
    );

    store
        .run("CREATE TABLE dynmcp_xds (`key` VARCHAR(99), xds_type VARCHAR(99), xds_json TEXT)")
        .await;
    store
        .run("INSERT INTO dynmcp_xds VALUES ('a', 'TDS', '1'), ('b', 'TDS', '2')")
        .await;
    let pending = migrate(&store, Migrate::Check).await;
    assert_eq!(pending.steps[0], "taking over the table dynmcp_xds, 2 rows");
    assert_eq!(pending.steps[1..], nothing.steps);
    assert_eq!(tables(&store).await, 1);

    let done = migrate(&store, Migrate::Apply).await;
    assert_eq!(done, pending);
    for again in [Migrate::Apply, Migrate::Check] {
        let again = migrate(&store, again).await;
        assert_eq!((again.found, again.steps.len()), (Some(1), 0));
    }
    assert_eq!(contents(&*store.open().await).await, ["TDS a=1", "TDS b=2"]);
}

async fn a_gateway_that_may_make_no_tables<S: Store>() {
    let store = S::fresh().await;
    let address = store.address();
    let database = address.rsplit('/').next().unwrap_or_default().to_owned();
    let (make, least) = match S::SCHEME {
        "mysql" => (
            format!(
                "CREATE USER gateway_{database}@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON {database}.* TO gateway_{database}@'%'"
            ),
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO gateway_{database}@'%'"),
        ),
        _ => (
            format!(
                "CREATE ROLE gateway_{database} LOGIN PASSWORD 'pw'; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO gateway_{database}"
            ),
            format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON dynmcp_xds, dynmcp_changes, dynmcp_store, dynmcp_revision TO gateway_{database}"
            ),
        ),
    };
    store.run(&make).await;
    let scheme = S::SCHEME;
    let settings = || Server {
        url: format!("{scheme}://gateway_{database}:pw@{address}")
            .as_str()
            .into(),
        migrate: Migrations::Never,
        ..store.settings()
    };
    let error = S::refusal(settings()).await;
    let expected =
        format!("data_source.{scheme}.migrate: is `never`, but database `{database}` on 127.0.0.1:");
    assert!(error.starts_with(&expected), "{error}");
    assert!(
        error.contains("has no complete tables of DynMCP; run `dynmcp migrate`"),
        "{error}"
    );
    let refused = S::migrate_with(settings(), Migrate::Apply).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("lacks a right") && refused.contains("GRANT "),
        "{refused}"
    );
    assert_eq!(tables(&store).await, 0);

    // Whoever migrates does so with an account of its own.
    migrate(&store, Migrate::Apply).await;
    store.run(&least).await;
    let source = S::open_with(settings()).await.unwrap();
    let mut follower = Follower::start(&*source).await;
    let revision = put(&*source, &Key::tool("a"), "{}").await;
    follower.until(revision).await;
    store
        .run("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('raw', 'TDS', '{}')")
        .await;
    follower.until(revision + 1).await;
    assert_eq!(contents(&*source).await, ["TDS a={}", "TDS raw={}"]);
    assert_eq!(source.history(&Key::tool("a"), 9).await.unwrap().len(), 1);
}

async fn gateways_go_on_while_it_runs<S: Store>() {
    let store = S::fresh().await;
    let mut migrating = tokio::task::JoinSet::new();
    for _ in 0..4 {
        migrating.spawn(S::migrate_with(store.settings(), Migrate::Apply));
    }
    let source = store.open().await;
    let mut follower = Follower::start(&*source).await;
    let mut revision = 0;
    for number in 0..20 {
        migrating.spawn(S::migrate_with(store.settings(), Migrate::Apply));
        revision = put(&*source, &Key::tool(format!("t{number}")), "{}").await;
    }
    let done: Vec<_> = migrating
        .join_all()
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    // One of them or the gateway has done it, the others found it done.
    assert!(
        done.iter()
            .filter(|migration| !migration.steps.is_empty())
            .count()
            <= 1
    );
    follower.until(revision).await;
    assert_eq!(follower.state.len(), 20);
}

async fn other_versions_are_named<S: Store>() {
    let store = S::fresh().await;
    migrate(&store, Migrate::Apply).await;
    let never = || Server {
        migrate: Migrations::Never,
        ..store.settings()
    };
    let source = S::open_with(never()).await.unwrap();
    store
        .run("UPDATE dynmcp_store SET value = 0 WHERE name = 'version'")
        .await;
    let error = S::refusal(never()).await;
    assert!(
        error.contains("has schema 0, and this version of DynMCP works with 1; run `dynmcp migrate`"),
        "{error}"
    );
    store
        .run("UPDATE dynmcp_store SET value = 2 WHERE name = 'version'")
        .await;
    let newer = "was written by a newer version of DynMCP (schema 2); start that one";
    let error = S::refusal(never()).await;
    assert!(error.contains(newer), "{error}");
    for what in [Migrate::Check, Migrate::Apply] {
        let error = S::migrate_with(store.settings(), what).await.unwrap_err();
        assert!(error.to_string().contains(newer), "{error}");
    }
    // A gateway that runs goes on: whoever migrates does it before the gateways are replaced.
    put(&*source, &Key::tool("a"), "{}").await;
}

async fn what_stands_in_the_way_is_said<S: Store>() {
    let store = S::fresh().await;
    store
        .run("CREATE TABLE dynmcp_xds (id INT, name VARCHAR(9))")
        .await;
    for what in [Migrate::Check, Migrate::Apply] {
        let error = S::migrate_with(store.settings(), what).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("its table dynmcp_xds has no column `key`"),
            "{error}"
        );
    }
    let nobody = Server {
        url: format!("{}://u:geheim@127.0.0.1:1/x", S::SCHEME).as_str().into(),
        migrate: Migrations::Never,
        ..store.settings()
    };
    let error = S::migrate_with(nobody.clone(), Migrate::Check).await.unwrap_err();
    let is_unavailable = matches!(&error, mcp_common::plugin::PluginError::Unavailable(reason)
        if reason.contains("127.0.0.1:1 cannot be reached") && !reason.contains("geheim"));
    assert!(is_unavailable, "{error:?}");
    // A gateway is patient: the server may come later.
    let source = S::open_with(nobody).await.unwrap();
    assert!(matches!(source.load().await, Err(SourceError::Unavailable(_))));
}

async fn the_table_of_entries_that_end_is_looked_for<S: Store>() {
    let store = S::fresh().await;
    // A gateway that makes its tables makes this one, too.
    put(&*store.open().await, &Key::tool("a"), "{}").await;
    assert_eq!(migrate(&store, Migrate::Check).await.steps, [""; 0]);
    store.run("DROP TABLE dynmcp_leases").await;
    let expected = ["the table dynmcp_leases, of entries that end".to_owned()];
    for what in [Migrate::Check, Migrate::Apply] {
        let pending = migrate(&store, what).await;
        assert_eq!((pending.found, &pending.steps[..]), (Some(1), &expected[..]));
    }
    assert_eq!(migrate(&store, Migrate::Check).await.steps, [""; 0]);
    // Whoever serves does not need it.
    store.run("DROP TABLE dynmcp_leases").await;
    let never = Server {
        migrate: Migrations::Never,
        ..store.settings()
    };
    let source = S::open_with(never).await.unwrap();
    assert_eq!(contents(&*source).await, ["TDS a={}"]);
}
