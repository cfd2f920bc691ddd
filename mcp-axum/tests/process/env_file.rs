//! A file of variables, as the older servers have one, in the place of a configuration.

use super::{Gateway, KEY, Sandbox};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ENCRYPTION: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn of_the_older_server() -> String {
    format!(
        "# Database\nDATABASE_URL=sqlite://older.db\nJWT_SECRET={SECRET}\nENCRYPTION_KEY={ENCRYPTION}\n\n\
         # Server\nSERVER_HOST=127.0.0.1\nSERVER_PORT=0\nRUST_LOG=info\nAPP__APP__API_KEY={KEY}\nCORS_ORIGIN=*\n"
    )
}

#[test]
fn a_gateway_starts_with_the_file_of_an_older_server() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", &of_the_older_server());
    let gateway = Gateway::spawn_until_ready(&sandbox, sandbox.command(&["serve", "--config", ".env"]));
    assert!(
        gateway.origin.starts_with("http://127.0.0.1:"),
        "{}",
        gateway.origin
    );
    assert!(sandbox.path().join("older.db").exists());
    // Commands beside it find the same store.
    let created = sandbox.run(&["keys", "create", "--name", "ann", "--config", ".env"]);
    assert!(created.status.success(), "{}", text(&created.stderr));
    let listed = sandbox.run(&["keys", "list", "--config", ".env"]);
    assert!(text(&listed.stdout).contains("ann"), "{}", text(&listed.stdout));
    let shown = text(&sandbox.run(&["config", "show", "--config", ".env"]).stdout);
    for line in [
        "data_source = \"sqlite\"",
        "path = \"older.db\"",
        "log_level = \"info\"",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains(SECRET) && !shown.contains(ENCRYPTION), "{shown}");
}

#[test]
fn what_the_environment_says_goes_before_the_file() {
    let sandbox = Sandbox::new();
    sandbox.write("prod.env", &of_the_older_server());
    let mut command = sandbox.command(&["config", "show", "--config", "prod.env"]);
    let shown = command
        .env("APP__APP__HOST", "::1")
        .env("RUST_LOG", "warn")
        // Another program's, as far as the gateway knows.
        .env("DATABASE_URL", "mysql://elsewhere/x")
        .output()
        .unwrap();
    let shown = text(&shown.stdout);
    for line in [
        "host = \"::1\"",
        "log_level = \"warn\"",
        "data_source = \"sqlite\"",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn a_wrong_variable_ends_the_start_with_its_name_and_without_its_value() {
    let sandbox = Sandbox::new();
    let good = of_the_older_server();
    for (there, wrong, said) in [
        (
            format!("JWT_SECRET={SECRET}"),
            "JWT_SECRET=hunter2",
            "JWT_SECRET: has 7 bytes",
        ),
        (
            format!("JWT_SECRET={SECRET}"),
            "JWT_SECRET=",
            "JWT_SECRET: is empty",
        ),
        (
            format!("ENCRYPTION_KEY={ENCRYPTION}"),
            "ENCRYPTION_KEY=hunter2",
            "ENCRYPTION_KEY: key 1 is no key",
        ),
        (
            "DATABASE_URL=sqlite://older.db".to_owned(),
            "DATABASE_URL=oracle://me:hunter2@db/x",
            "DATABASE_URL: must begin with postgres://",
        ),
        (
            "SERVER_PORT=0".to_owned(),
            "SERVER_PORT=hunter2",
            "SERVER_PORT: must be a port",
        ),
        ("RUST_LOG=info".to_owned(), "APP__APP__PORTS=1", "app.ports"),
    ] {
        assert!(good.contains(&there));
        sandbox.write(".env", &good.replace(&there, wrong));
        for command in [
            ["serve", "--config", ".env"].as_slice(),
            &["config", "check", "--config", ".env"],
        ] {
            let output = sandbox.run(command);
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{wrong}: {told}");
            assert!(
                told.contains(said) && !told.contains("hunter2"),
                "{wrong}: {told}"
            );
        }
    }
}

#[test]
fn it_becomes_a_configuration() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", &of_the_older_server());
    let output = sandbox.run(&["config", "convert", ".env", "--to", "toml", "-o", "gateway.toml"]);
    let told = text(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("CORS_ORIGIN: no variables of this gateway, they are left out"),
        "{told}"
    );
    // As tables: their members come in any order.
    let shown = |file: &str| -> toml::Table {
        let shown = sandbox.run(&["config", "show", "--config", file]);
        text(&shown.stdout).parse().unwrap()
    };
    assert_eq!(shown(".env"), shown("gateway.toml"));
    let refused = sandbox.run(&["config", "convert", ".env", "--to", "dynmcp", "-o", "folder"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
}
