//! What the first version's quick start says: a copy of the example, `RUN_MODE`, and a binary of its name.

use super::{Gateway, Sandbox};

#[test]
fn its_quick_start_works_as_written() {
    let sandbox = Sandbox::new();
    let example = std::fs::read_to_string("../config/example.toml").unwrap();
    sandbox.write("config/dev.toml", &example);
    let mut command = sandbox.command_of(env!("CARGO_BIN_EXE_mcp-axum"), &[]);
    // Nothing listens there: the gateway starts, and waits for its store.
    command
        .env("RUN_MODE", "dev")
        .env("APP__APP__PORT", "0")
        .env("APP__DATA_SOURCE__ETCD__ENDPOINTS", "http://localhost:9");
    let gateway = Gateway::spawn_until_bound(&sandbox, command);
    assert_eq!(gateway.get("/healthz").unwrap().0, 200);
    let (status, body) = gateway.get("/readyz").unwrap();
    assert_eq!(status, 503, "{body}");
}

#[test]
fn the_example_is_a_configuration_for_both_stores_that_it_names() {
    let sandbox = Sandbox::new();
    let example = std::fs::read_to_string("../config/example.toml").unwrap();
    for store in ["etcd", "mysql"] {
        sandbox.write("x.toml", &example.replace("\"etcd\"", &format!("\"{store}\"")));
        let checked = sandbox.run(&["config", "check", "--config", "x.toml"]);
        let stderr = String::from_utf8(checked.stderr).unwrap();
        assert_eq!((checked.status.code(), stderr.as_str()), (Some(0), ""), "{store}");
    }
}
