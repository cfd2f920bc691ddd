//! The chart for Kubernetes: it is rendered by `helm`, held to the published schemas, and a gateway takes the configuration that
//! comes out of it.

use super::Sandbox;
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/helm/dynmcp");
/// `cargo xtask tools` installs them.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/kubernetes/bin");
/// The oldest that the chart is for, and the newest whose schemas there are.
const VERSIONS: [&str; 2] = ["1.25", "1.37"];

const EVERYTHING: &str = "replicas=3,ingress.enabled=true,ingress.tlsSecret=t,ingress.className=nginx,networkPolicy.enabled=true,\
                          networkPolicy.adminFrom[0].podSelector.matchLabels.app=prometheus,definitionSecrets=tokens,\
                          podLabels.team=a,env[0].name=X,env[0].value=y,envFrom[0].secretRef.name=z";

fn helm(arguments: &[&str]) -> Output {
    let helm = Command::new(Path::new(TOOLS).join("helm"))
        .args(arguments)
        .output();
    helm.expect("helm is there: `cargo xtask tools` installs it")
}

fn template(values: &str) -> Output {
    helm(&[
        "template",
        "desk",
        CHART,
        "--kube-version",
        "1.30.0",
        "--set",
        values,
    ])
}

fn rendered(values: &str) -> String {
    let output = template(values);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{why}");
    String::from_utf8(output.stdout).unwrap()
}

fn refusal(values: &str) -> String {
    let output = template(values);
    assert!(!output.status.success(), "{values} is rendered");
    String::from_utf8(output.stderr).unwrap()
}

/// The resources, as the platform reads them.
fn resources(sandbox: &Sandbox, manifests: &str) -> Vec<Value> {
    let file = sandbox.write("manifests.yaml", manifests);
    let read =
        "import json, sys, yaml\nprint(json.dumps([r for r in yaml.safe_load_all(open(sys.argv[1])) if r]))";
    let python = |arguments: &[&str]| {
        let output = Command::new(Path::new(TOOLS).join("python"))
            .args(arguments)
            .arg(&file)
            .output()
            .unwrap();
        let said = [output.stdout.clone(), output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        output.stdout
    };
    for version in VERSIONS {
        python(&["-m", "kubernetes_validate", "--strict", "--quiet", "-k", version]);
    }
    serde_json::from_slice(&python(&["-c", read])).unwrap()
}

fn of_kind<'a>(resources: &'a [Value], kind: &str) -> Vec<&'a Value> {
    resources
        .iter()
        .filter(|resource| resource["kind"] == kind)
        .collect()
}

/// `config check` with the file and the variables of the pod; those of the secret are `secrets`.
fn check(sandbox: &Sandbox, resources: &[Value], workload: &str, secrets: &[(&str, &str)]) {
    let config = of_kind(resources, "ConfigMap")[0]["data"]["dynmcp.toml"]
        .as_str()
        .unwrap();
    sandbox.write("dynmcp.toml", config);
    let container = &of_kind(resources, workload)[0]["spec"]["template"]["spec"]["containers"][0];
    let mut command = sandbox.command(&["config", "check", "--config", "dynmcp.toml"]);
    let mut given = 0;
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let value = match variable["value"].as_str() {
            // The pod's volume.
            Some(value) => value.replace("/var/lib/dynmcp", "data"),
            None => {
                let key = variable["valueFrom"]["secretKeyRef"]["key"].as_str().unwrap();
                let Some((_, value)) = secrets.iter().find(|(name, _)| *name == key) else {
                    assert_eq!(variable["valueFrom"]["secretKeyRef"]["optional"], true, "{key}");
                    continue;
                };
                given += 1;
                (*value).to_owned()
            }
        };
        command.env(name, value);
    }
    assert_eq!(given, secrets.len(), "every secret has its variable");
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

const KEY: (&str, &str) = ("admin-key", "an-admin-key-of-a-chart");
const SESSIONS: (&str, &str) = ("session-secret", "sessions-of-all-replicas-are-signed-with-this");

#[test]
fn one_replica_keeps_its_definitions_in_a_volume() {
    let sandbox = Sandbox::new();
    let resources = resources(&sandbox, &rendered("service.type=NodePort"));
    check(&sandbox, &resources, "StatefulSet", &[KEY]);
    let claims = &of_kind(&resources, "StatefulSet")[0]["spec"]["volumeClaimTemplates"];
    assert_eq!(claims[0]["metadata"]["name"], "data");
    assert!(
        of_kind(&resources, "PodDisruptionBudget").is_empty(),
        "of one nothing could be moved"
    );
}

#[test]
fn replicas_share_a_store_and_only_what_clients_need_is_let_out() {
    for (store, secret) in [
        ("postgres", ("url", "postgres://u:p@db/dynmcp")),
        ("mysql", ("url", "mysql://u:p@db/dynmcp")),
        ("etcd", ("endpoints", r#"["http://etcd:2379"]"#)),
    ] {
        let sandbox = Sandbox::new();
        let resources = resources(&sandbox, &rendered(&format!("dataSource={store},{EVERYTHING}")));
        check(&sandbox, &resources, "Deployment", &[KEY, SESSIONS, secret]);
        assert_eq!(of_kind(&resources, "PodDisruptionBudget").len(), 1);
        let ingress = of_kind(&resources, "Ingress")[0];
        let paths: Vec<&Value> = ingress["spec"]["rules"][0]["http"]["paths"]
            .as_array()
            .unwrap()
            .iter()
            .map(|path| &path["path"])
            .collect();
        assert_eq!(paths, ["/mcp", "/ws"]);
        let services = of_kind(&resources, "Service");
        let admin: Vec<_> = services
            .iter()
            .filter(|service| service["spec"]["ports"][0]["targetPort"] == "admin")
            .collect();
        assert_eq!(admin.len(), 1, "the admin API has a service of its own");
        assert_eq!(
            ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"],
            "desk-dynmcp"
        );
        assert_ne!(admin[0]["metadata"]["name"], "desk-dynmcp");
    }
    let sandbox = Sandbox::new();
    let scaled = resources(&sandbox, &rendered("dataSource=etcd,autoscaling.enabled=true"));
    assert_eq!(
        of_kind(&scaled, "HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"]["name"],
        "desk-dynmcp"
    );
    assert_eq!(
        of_kind(&scaled, "Deployment")[0]["spec"].get("replicas"),
        None,
        "which the scaler says"
    );
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_installed() {
    for (values, reason) in [
        ("replicas=2", "sqlite is a file of one gateway"),
        ("autoscaling.enabled=true", "sqlite is a file of one gateway"),
        ("dataSource=oracle", "dataSource must be one of the following"),
        ("replica=2", "Additional property replica is not allowed"),
        ("frontProxies[0]=proxy", "frontProxies.0: Does not match pattern"),
        ("drainSeconds=soon", "drainSeconds: Invalid type"),
    ] {
        let said = refusal(values);
        assert!(said.contains(reason), "{values}: {said}");
    }
    let lint = helm(&["lint", "--strict", CHART]);
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
}
