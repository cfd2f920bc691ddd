//! A table of the first version is taken over in place.

use super::store::{Store, contents, on_both, put};
use mcp_common::{key::Key, migration::Migrate, testsuite::Follower};

on_both! {
    with_its_own_columns
    with_columns_of_other_types
    with_nothing_but_the_three_columns_that_matter
    with_ids_that_no_sequence_gives_out
    every_shape_of_status_is_read
    numbers_that_are_no_integers_switch_off
    words_stay_beside_the_number
    what_is_there_more_than_once_is_said
    what_cannot_be_taken_over_is_said
}

/// The members of the first are in the order in which MySQL's own JSON keeps them: the shorter name first.
const ROWS: &str = "
    INSERT INTO dynmcp_xds (id, `key`, xds_type, xds_json, status, create_time, update_time) VALUES
        (1, 'a',   'TDS', '{\"z\": 1, \"aa\": 2}', 1, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (2, 'b',   'IDS', '2', 1, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (3, 'off', 'TDS', '3', 0, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (4, 'old', 'tds', '4', 1, '2025-01-02 03:04:05', '2025-01-03 03:04:05')";

async fn is_taken_over<S: Store>(table: &str) {
    let store = S::fresh().await;
    store.run(table).await;
    store.run(ROWS).await;
    let source = store.open().await;
    assert_eq!(
        contents(&*source).await,
        ["IDS b=2", "TDS a={\"z\": 1, \"aa\": 2}", "TDS old=4"]
    );
    let past = source.history(&Key::tool("old"), 9).await.unwrap();
    let seconds = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(past[0].at.map(seconds), Some(1_735_873_445));

    let mut follower = Follower::start(&*source).await;
    for statement in [
        // A tool and an instance may share an id.
        "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('a', 'IDS', '7')",
        "UPDATE dynmcp_xds SET status = 1 WHERE `key` = 'off'",
        "UPDATE dynmcp_xds SET `key` = 'renamed' WHERE `key` = 'b' AND xds_type = 'IDS'",
    ] {
        store.run(statement).await;
    }
    put(&*source, &Key::tool("a"), "8").await;
    let expected = ["IDS a=7", "IDS renamed=2", "TDS a=8", "TDS off=3", "TDS old=4"];
    assert_eq!(contents(&*source).await, expected);
    follower.until(source.load().await.unwrap().revision).await;
    assert_eq!(follower.state.len(), expected.len());
    assert_eq!(store.number("SELECT COUNT(*) FROM dynmcp_xds").await, 5);

    drop(source);
    assert_eq!(contents(&*store.open().await).await, expected, "opened again");
}

async fn with_its_own_columns<S: Store>() {
    let id = match S::SCHEME {
        "mysql" => "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        _ => "BIGSERIAL PRIMARY KEY",
    };
    let table = format!(
        "CREATE TABLE dynmcp_xds (id {id}, `key` VARCHAR(255) NOT NULL, xds_type VARCHAR(32) NOT NULL,
            xds_json TEXT NOT NULL, status SMALLINT NOT NULL DEFAULT 1,
            create_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
            update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE (`key`));"
    );
    match S::SCHEME {
        "mysql" => is_taken_over::<S>(&table).await,
        // Sequences know nothing of ids that were given.
        _ => is_taken_over::<S>(&format!("{table} SELECT setval('dynmcp_xds_id_seq', 10)")).await,
    }
}

async fn with_columns_of_other_types<S: Store>() {
    is_taken_over::<S>(match S::SCHEME {
        "mysql" => {
            "CREATE TABLE dynmcp_xds (id INT NOT NULL PRIMARY KEY, `key` VARCHAR(64) NOT NULL, xds_type VARCHAR(16) NOT NULL,
                xds_json JSON NOT NULL, status VARCHAR(8) NOT NULL, create_time DATETIME NOT NULL,
                update_time DATETIME NOT NULL, UNIQUE KEY `uk_key` (`key`)) ENGINE = MyISAM CHARACTER SET utf8mb3"
        }
        _ => {
            "CREATE TABLE dynmcp_xds (id INT PRIMARY KEY, `key` VARCHAR(64), xds_type VARCHAR(16),
                xds_json JSON, status VARCHAR(8), create_time TIMESTAMPTZ, update_time TIMESTAMPTZ);
             CREATE UNIQUE INDEX uk_key ON dynmcp_xds (`key`); SET TIME ZONE 'UTC'"
        }
    })
    .await;
}

async fn with_nothing_but_the_three_columns_that_matter<S: Store>() {
    let store = S::fresh().await;
    store
        .run("CREATE TABLE dynmcp_xds (`key` VARCHAR(99), xds_type VARCHAR(99), xds_json TEXT)")
        .await;
    store
        .run("INSERT INTO dynmcp_xds VALUES ('a', 'TDS', '1'), ('b', 'TDS', NULL), (NULL, 'TDS', '3')")
        .await;
    let source = store.open().await;
    put(&*source, &Key::tool("c"), "4").await;
    assert_eq!(contents(&*source).await, ["TDS a=1", "TDS b=", "TDS c=4"]);
    assert_eq!(source.load().await.unwrap().unreadable.len(), 1);
}

async fn with_ids_that_no_sequence_gives_out<S: Store>() {
    let store = S::fresh().await;
    store
        .run(
            "CREATE TABLE dynmcp_xds (id BIGINT PRIMARY KEY, `key` VARCHAR(255) NOT NULL, xds_type VARCHAR(32) NOT NULL,
                xds_json TEXT NOT NULL);
             INSERT INTO dynmcp_xds (id, `key`, xds_type, xds_json) VALUES (0, 'zero', 'TDS', '0'), (-1, 'less', 'TDS', '1')",
        )
        .await;
    let source = store.open().await;
    put(&*source, &Key::tool("new"), "2").await;
    assert_eq!(
        contents(&*source).await,
        ["TDS less=1", "TDS new=2", "TDS zero=0"]
    );
}

/// How a `status` was kept, what the rows have in it, and which of them are served afterwards.
struct Shape {
    name: &'static str,
    mysql: &'static str,
    postgres: &'static str,
    /// SQL literals, one for each row.
    values: &'static [&'static str],
    served: &'static [bool],
}

const SHAPES: [Shape; 12] = [
    Shape {
        name: "the first version's",
        mysql: "ENUM('pending','syncing','synced') NOT NULL DEFAULT 'pending'",
        postgres: "xds_status NOT NULL DEFAULT 'pending'",
        values: &["'pending'", "'syncing'", "'synced'", "'synced'"],
        served: &[true, true, true, true],
    },
    Shape {
        name: "the same as text",
        mysql: "VARCHAR(20) NOT NULL DEFAULT 'pending'",
        postgres: "VARCHAR(20) NOT NULL DEFAULT 'pending'",
        values: &["'Pending'", "'syncing'", "'synced'"],
        served: &[true, true, true],
    },
    Shape {
        name: "padded",
        mysql: "CHAR(8)",
        postgres: "CHAR(8)",
        values: &["'synced'", "' active'", "'off'", "NULL"],
        served: &[true, true, false, true],
    },
    Shape {
        name: "other words",
        mysql: "VARCHAR(16) CHARACTER SET latin1 NOT NULL",
        postgres: "TEXT NOT NULL",
        values: &["'live'", "'draft'", "'draft'", "'archived'", "''"],
        served: &[true, false, false, false, true],
    },
    Shape {
        name: "long text",
        mysql: "TEXT",
        postgres: "VARCHAR",
        values: &["'1'", "'0'", "'2'", "NULL"],
        served: &[true, false, false, true],
    },
    Shape {
        name: "small number",
        mysql: "TINYINT",
        postgres: "SMALLINT",
        values: &["1", "0", "2", "NULL"],
        served: &[true, false, false, true],
    },
    Shape {
        name: "truth",
        mysql: "BOOLEAN NOT NULL DEFAULT TRUE",
        postgres: "BOOLEAN NOT NULL DEFAULT TRUE",
        values: &["TRUE", "FALSE"],
        served: &[true, false],
    },
    Shape {
        name: "number",
        mysql: "INT NOT NULL DEFAULT 1",
        postgres: "INT NOT NULL DEFAULT 1",
        values: &["1", "0"],
        served: &[true, false],
    },
    Shape {
        name: "number without a default",
        mysql: "INT UNSIGNED NOT NULL",
        postgres: "BIGINT NOT NULL",
        values: &["1", "1", "7"],
        served: &[true, true, false],
    },
    Shape {
        name: "number that may be missing, switched off by default",
        mysql: "BIGINT NULL DEFAULT 0",
        postgres: "BIGINT NULL DEFAULT 0",
        values: &["NULL", "1", "0"],
        served: &[true, true, false],
    },
    Shape {
        name: "decimal",
        mysql: "DECIMAL(5,2)",
        postgres: "NUMERIC(5,2)",
        values: &["1", "0", "NULL", "1.4", "0.5"],
        served: &[true, false, true, false, false],
    },
    Shape {
        name: "bit",
        mysql: "BIT(1)",
        postgres: "BIT(1)",
        values: &["B'1'", "B'0'", "NULL"],
        served: &[true, false, true],
    },
];

async fn every_shape_of_status_is_read<S: Store>() {
    for shape in SHAPES {
        let Shape {
            name, values, served, ..
        } = shape;
        let store = S::fresh().await;
        let (kind, begin) = match S::SCHEME {
            "mysql" => (shape.mysql, ""),
            _ => (
                shape.postgres,
                "CREATE TYPE xds_status AS ENUM ('pending', 'syncing', 'synced');",
            ),
        };
        let rows: Vec<_> = (values.iter().enumerate())
            .map(|(row, value)| format!("('t{row}', 'TDS', '{row}', {value})"))
            .collect();
        let table = format!(
            "{begin} CREATE TABLE dynmcp_xds (`key` VARCHAR(64) NOT NULL, xds_type VARCHAR(16) NOT NULL,
                xds_json TEXT NOT NULL, status {kind});
             INSERT INTO dynmcp_xds (`key`, xds_type, xds_json, status) VALUES {}",
            rows.join(", ")
        );
        store.run(&table).await;
        let on = |row: &usize| served[*row];
        let expected: Vec<_> = (0..values.len())
            .filter(on)
            .map(|row| format!("TDS t{row}={row}"))
            .collect();
        let off = values.len() - expected.len();

        // What is said before anything is changed is what is served afterwards.
        let pending = S::migrate_with(store.settings(), Migrate::Check).await.unwrap();
        let said = &pending.steps[0];
        let count = format!("taking over the table dynmcp_xds, {} rows", values.len());
        assert!(said.starts_with(&count), "{name}: {said}");
        assert_eq!(
            said.contains(&format!("; {off} is switched off"))
                || said.contains(&format!("; {off} are switched off")),
            off > 0,
            "{name}: {said}"
        );
        let source = store.open().await;
        assert_eq!(contents(&*source).await, expected, "{name}");
        assert_eq!(source.disabled().await.unwrap(), off as u64, "{name}");
        let all = store.number("SELECT COUNT(*) FROM dynmcp_xds").await;
        assert_eq!(all, values.len() as i64, "{name}");

        // A row that names no status is served, and so is each that is switched on.
        store
            .run("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('raw', 'TDS', 'raw')")
            .await;
        store.run("UPDATE dynmcp_xds SET status = 1").await;
        assert_eq!(contents(&*source).await.len(), values.len() + 1, "{name}");
        assert_eq!(source.disabled().await.unwrap(), 0, "{name}");
    }
}

/// None of them ends the migration: what is not 1 is not served.
async fn numbers_that_are_no_integers_switch_off<S: Store>() {
    let shapes: &[(&str, &[&str])] = match S::SCHEME {
        "mysql" => &[("DOUBLE", &["1e300", "-1e300", "2999999999", "1.0000001"])],
        _ => &[
            (
                "DOUBLE PRECISION",
                &[
                    "1e300",
                    "-1e300",
                    "2999999999",
                    "1.0000001",
                    "'NaN'",
                    "'Infinity'",
                ],
            ),
            ("NUMERIC", &["1e300", "2999999999", "1.0000001", "'NaN'"]),
        ],
    };
    for (kind, odd) in shapes {
        let store = S::fresh().await;
        let rows: Vec<_> = (odd.iter().chain(&["1", "NULL"]))
            .enumerate()
            .map(|(row, value)| format!("('t{row}', 'TDS', '{row}', {value})"))
            .collect();
        let table = format!(
            "CREATE TABLE dynmcp_xds (`key` VARCHAR(64) NOT NULL, xds_type VARCHAR(16) NOT NULL, xds_json TEXT NOT NULL,
                status {kind});
             INSERT INTO dynmcp_xds (`key`, xds_type, xds_json, status) VALUES {}",
            rows.join(", ")
        );
        store.run(&table).await;
        let source = store.open().await;
        let served = [odd.len(), odd.len() + 1].map(|row| format!("TDS t{row}={row}"));
        assert_eq!(contents(&*source).await, served, "{kind}");
        assert_eq!(source.disabled().await.unwrap(), odd.len() as u64, "{kind}");
        store.run("UPDATE dynmcp_xds SET status = 1").await;
        assert_eq!(contents(&*source).await.len(), rows.len(), "{kind}");
    }
}

/// The words stay, so that what was switched off by a word that we do not know can be found.
async fn words_stay_beside_the_number<S: Store>() {
    let store = S::fresh().await;
    store
        .run(
            "CREATE TABLE dynmcp_xds (`key` VARCHAR(64) NOT NULL, xds_type VARCHAR(16) NOT NULL, xds_json TEXT NOT NULL,
                status VARCHAR(16) NOT NULL, update_time VARCHAR(40) NOT NULL, create_time BIGINT);
             INSERT INTO dynmcp_xds VALUES ('a', 'TDS', '1', 'draft', 'yesterday', 7), ('b', 'TDS', '2', 'synced', '', NULL)",
        )
        .await;
    let pending = S::migrate_with(store.settings(), Migrate::Check).await.unwrap();
    assert_eq!(
        pending.steps[0],
        "taking over the table dynmcp_xds, 2 rows; 1 is switched off and not served (status `draft`: 1), until `status` is 1"
    );
    let source = store.open().await;
    assert_eq!(contents(&*source).await, ["TDS b=2"]);
    store
        .run("UPDATE dynmcp_xds SET status = 1 WHERE first_status = 'draft' AND first_update_time = 'yesterday'")
        .await;
    assert_eq!(contents(&*source).await, ["TDS a=1", "TDS b=2"]);
    put(&*source, &Key::tool("a"), "3").await;
    assert_eq!(contents(&*source).await, ["TDS a=3", "TDS b=2"]);
}

async fn what_is_there_more_than_once_is_said<S: Store>() {
    let store = S::fresh().await;
    store
        .run(
            "CREATE TABLE dynmcp_xds (id INT PRIMARY KEY, `key` VARCHAR(64) NOT NULL, xds_type VARCHAR(16) NOT NULL,
                xds_json TEXT NOT NULL, status VARCHAR(16));
             INSERT INTO dynmcp_xds VALUES (1, 'a', 'TDS', '1', 'synced'), (2, 'a', 'tds', '2', 'pending'),
                (3, 'a', 'TDS', '3', 'off'), (4, 'a', 'IDS', '4', 'synced'), (5, 'A', 'TDS', '5', 'synced')",
        )
        .await;
    let pending = S::migrate_with(store.settings(), Migrate::Check).await.unwrap();
    let said = &pending.steps[0];
    assert!(
        said.contains("; 2 rows of definitions that are there more than once"),
        "{said}"
    );
    let source = store.open().await;
    assert_eq!(contents(&*source).await, ["IDS a=4", "TDS A=5", "TDS a=2"]);
    assert_eq!(source.disabled().await.unwrap(), 0);
}

/// The table is named, not the URL, and it is left as it was.
async fn what_cannot_be_taken_over_is_said<S: Store>() {
    let store = S::fresh().await;
    store
        .run(
            "CREATE TABLE dynmcp_xds (`key` TEXT NOT NULL, xds_type VARCHAR(200) NOT NULL, xds_json TEXT NOT NULL);
             INSERT INTO dynmcp_xds VALUES ('a', 'a type that is far longer than thirty-two letters', '1')",
        )
        .await;
    if S::SCHEME == "postgres" {
        // There it has room, and is reported.
        let load = store.open().await.load().await.unwrap();
        assert_eq!((load.records.len(), load.unreadable.len()), (0, 1));
        return;
    }
    let error = S::refusal(store.settings()).await;
    assert!(
        error.starts_with("data_source.mysql: database `")
            && error.contains("its table dynmcp_xds cannot be taken over")
            && error.contains("xds_type"),
        "{error}"
    );
    assert_eq!(store.number("SELECT COUNT(*) FROM dynmcp_xds").await, 1);
}
