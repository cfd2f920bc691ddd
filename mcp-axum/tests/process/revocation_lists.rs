//! Lists of revoked certificates: what is wrong with one is said before the gateway starts, and once while it runs.

use super::{Gateway, Sandbox};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, SerialNumber,
};
use std::fs;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// One that takes nothing back.
fn list(authority: &Authority, next: i32) -> String {
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(next, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(authority).unwrap().pem().unwrap()
}

/// Everything that it takes in `x.toml`, with the authorities `one` and `two`, and the file `lists`.
fn sandbox(authorities: [&Authority; 2], lists: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    sandbox.write("own.pem", &own.cert.pem());
    sandbox.write("own.key", &own.signing_key.serialize_pem());
    sandbox.write(
        "clients.pem",
        &authorities.map(|authority| authority.pem()).concat(),
    );
    sandbox.write("lists", lists);
    sandbox.write(
        "x.toml",
        "[app]\ndata_source = 'memory'\n[app.tls]\ncertificate = 'own.pem'\nkey = 'own.key'\n\
         client_authorities = 'clients.pem'\nclient_revocation_lists = ['lists']\n",
    );
    sandbox
}

#[test]
fn a_file_that_is_no_list_keeps_the_gateway_from_starting() {
    let (one, two) = (authority("one"), authority("two"));
    let good = list(&one, 2050);
    for (lists, said) in [
        ("", "lists: has no list of revoked certificates"),
        (one.pem().as_str(), "lists: has no list of revoked certificates"),
        (
            "0not DER",
            "lists: has something that is no list of revoked certificates",
        ),
        (
            "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
            "lists: has something that is no list of revoked certificates",
        ),
        (
            "-----BEGIN X509 CRL-----\n%%\n-----END X509 CRL-----\n",
            "lists: is not PEM",
        ),
        (
            &list(&authority("three"), 2050),
            "lists: the list of `CN=three` is signed by none of `app.tls.client_authorities`",
        ),
        (
            &list(&authority("one"), 2050),
            "lists: the list of `CN=one` is signed by none of `app.tls.client_authorities`",
        ),
        (
            &format!("{good}{}", list(&one, 2051)),
            "lists: the list of `CN=one` is not the only one, lists has another; take the older one out",
        ),
    ] {
        let sandbox = sandbox([&one, &two], lists);
        for command in [
            ["config", "check", "--config", "x.toml"].as_slice(),
            &["serve", "--config", "x.toml"],
        ] {
            let output = sandbox.run(command);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success(), "{lists}: {text}");
            let said = format!("app.tls.client_revocation_lists: {said}");
            assert!(text.contains(&said), "{lists}: {text}");
        }
    }
    let sandbox = sandbox([&one, &two], &good);
    fs::remove_file(sandbox.path().join("lists")).unwrap();
    let output = sandbox.run(&["config", "check", "--config", "x.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("app.tls.client_revocation_lists: lists: No such file"),
        "{text}"
    );
    sandbox.write("y.toml", "[app.tls]\nclient_revocation_lists = ['lists']\n");
    let output = sandbox.run(&["config", "check", "--config", "y.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains(
            "app.tls.client_authorities: must be given where `app.tls.client_revocation_lists` has lists"
        ),
        "{text}"
    );
}

#[test]
fn authorities_of_one_name_are_told_apart_by_their_keys() {
    let (old, new) = (authority("one"), authority("one"));
    let sandbox = sandbox([&old, &new], &list(&new, 2050));
    let doctor = sandbox.run(&["config", "doctor", "--config", "x.toml"]);
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(text.contains("there is no list by the key of `CN=one`"), "{text}");
    sandbox.write("lists", &[list(&old, 2050), list(&new, 2050)].concat());
    let checked = sandbox.run(&["config", "check", "--config", "x.toml"]);
    let text = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(
        text.contains("lists has that of another authority of this name"),
        "{text}"
    );
}

#[test]
fn what_keeps_good_certificates_out_is_said_and_keeps_nothing_from_starting() {
    let (one, two) = (authority("one"), authority("two"));
    let sandbox = sandbox([&one, &two], &list(&one, 2021));
    let checked = sandbox.run(&["config", "check", "--config", "x.toml"]);
    assert!(checked.status.success(), "{checked:?}");
    let over = "lists: the list of `CN=one` was good until ";
    let unlisted = "there is no list by the key of `CN=two`";
    let doctor = sandbox.run(&["config", "doctor", "--config", "x.toml"]);
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    for said in [over, unlisted] {
        let said = format!("problem: app.tls.client_revocation_lists: {said}");
        assert!(text.contains(&said), "{text}");
    }
    let mut command = sandbox.command(&["serve", "--config", "x.toml"]);
    command.env("APP__APP__PORT", "0");
    let gateway = Gateway::spawn(&sandbox, command);
    for said in [over, unlisted] {
        gateway.wait(said, |gateway| gateway.output().contains(said));
    }
    // What breaks while it runs is said once, and so is its end.
    let times = |said: &str| gateway.output().matches(said).count();
    sandbox.write("lists", "no list");
    let broken = "lists: has no list of revoked certificates";
    gateway.wait("what is wrong", |_| times(broken) == 1);
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!((times(broken), times(over), times(unlisted)), (1, 1, 1));
    sandbox.write("lists", &[list(&one, 2050), list(&two, 2050)].concat());
    let good = "new connections have what is in the files of `app.tls` now";
    gateway.wait("the end of it", |_| times(good) == 1);
    let doctor = sandbox.run(&["config", "doctor", "--config", "x.toml"]);
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(!text.contains("client_revocation_lists"), "{text}");
}
