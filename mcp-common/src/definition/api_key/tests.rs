use super::*;
use crate::{
    authenticator::{KeyRing, StoredRole},
    definition::role::Thing,
};
use std::time::Duration;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn read(members: serde_json::Value) -> Result<Read<ApiKeyDefinition>, Problems> {
    let document = Document::parse(members.to_string().as_bytes()).unwrap();
    ApiKeyDefinition::read("k1", &document)
}

/// A store without roles.
struct NoRoles;

impl KeyRing for NoRoles {
    fn key(&self, _: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)> {
        None
    }

    fn role(&self, _: &str) -> StoredRole {
        StoredRole::Unknown
    }
}

fn principal(key: &Arc<ApiKeyDefinition>, revision: Revision, end: Option<SystemTime>) -> Principal {
    key.principal(Gathered::of(key, &NoRoles), revision, end)
}

#[test]
fn a_key_is_recognised_by_its_form_and_checksum() {
    let text = Token::text("team-a", &[0xab; 32]);
    assert_eq!(Token::parse(text.as_bytes()), Some(Token { id: "team-a" }));
    let mistyped = text.replace("abab", "abac");
    let cut = text.split_at(text.len() - 1).0;
    let other = text.replace("team-a", "team-b");
    for wrong in [mistyped.as_str(), cut, &other, "", "mcp_", "mcp_a_b_c", "mcp__"] {
        assert_eq!(Token::parse(wrong.as_bytes()), None, "{wrong}");
    }
    assert_eq!(Token::parse(b"mcp_\xff"), None);
    // Which nobody is told of beside this gateway, however wrong it is; others may have tokens that begin like it.
    for own in [
        text.as_str(),
        &mistyped,
        cut,
        &other,
        text.rsplit_once('_').unwrap().0,
    ] {
        assert!(Token::is_like(own.as_bytes()), "{own}");
    }
    for other in [
        "",
        "mcp_",
        "mcp_a_b_c",
        "mcp_at_0123456789abcdef",
        &text.replacen("mcp", "key", 1),
    ] {
        assert!(!Token::is_like(other.as_bytes()), "{other}");
    }
}

#[test]
fn who_comes_in_is_what_the_document_says() {
    let members = serde_json::json!({
        "name": "ann", "instances": ["a*"], "tools": ["get_*"], "roles": ["a-word"], "claims": {"n": 1},
        "expires_at": "2027-01-01T00:00:00+01:00",
        "secrets": [{"sha256": HASH, "expires_at": "2026-12-31T00:00:00Z"}, {"sha256": HASH.replace('9', "8")}],
    });
    let key = Arc::new(read(members).unwrap().definition);
    let ends: Vec<_> = key
        .secrets
        .iter()
        .map(|secret| key.end_of(secret).map(|end| Timestamp(end).to_string()))
        .collect();
    assert_eq!(
        ends,
        [
            Some("2026-12-31T00:00:00Z".to_owned()),
            Some("2026-12-31T23:00:00Z".to_owned())
        ]
    );
    let who = principal(&key, 7, None);
    let grant = who.grant.as_deref().unwrap();
    assert_eq!(
        (
            &*who.subject,
            who.admin,
            &**grant.key().unwrap(),
            grant.revision().unwrap()
        ),
        ("ann", false, "k1", 7)
    );
    let rights = who.rights().unwrap();
    assert!(rights.opens("any") && !rights.opens("b"));
    assert!(rights.shows("any", Thing::Tool("get_x", &[])) && !rights.shows("any", Thing::Tool("x", &[])));
    assert!(rights.shows("any", Thing::Prompt("x")));
    assert_eq!(who.roles(), ["a-word"]);
    assert_eq!(who.claim("n").map(RawValue::get), Some("1"));
}

#[test]
fn times_that_nobody_can_write_are_none() {
    let epoch = SystemTime::UNIX_EPOCH;
    let after = |seconds| Timestamp::after(epoch, Duration::from_secs(seconds)).map(|at| at.to_string());
    assert_eq!(after(0).as_deref(), Some("1970-01-01T00:00:00Z"));
    assert_eq!(after(253_402_300_799).as_deref(), Some("9999-12-31T23:59:59Z"));
    assert_eq!(after(253_402_300_800), None);
    assert_eq!(after(u64::MAX), None);
    assert_eq!(
        Timestamp(epoch - Duration::from_secs(1)).to_string(),
        "1970-01-01T00:00:00Z"
    );
}

#[test]
fn a_key_that_names_nothing_opens_nothing_and_one_of_an_admin_everything() {
    let nothing = read(serde_json::json!({"secrets": [{"sha256": HASH}]})).unwrap();
    assert!(
        nothing.warnings[0].contains("opens nothing"),
        "{:?}",
        nothing.warnings
    );
    let who = principal(&Arc::new(nothing.definition), 1, Some(SystemTime::UNIX_EPOCH));
    assert_eq!(&*who.subject, "k1");
    assert!(!who.rights().unwrap().opens("x"));
    let admin = read(serde_json::json!({"roles": ["admin"], "secrets": [{"sha256": HASH}]})).unwrap();
    assert_eq!(admin.warnings, Vec::<String>::new());
    let who = principal(&Arc::new(admin.definition), 1, None);
    assert!(who.admin && who.rights().unwrap().opens("x"));
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_the_secret() {
    let table = [
        (serde_json::json!({}), "missing field `secrets`"),
        (serde_json::json!({"secrets": []}), "secrets: is empty"),
        (
            serde_json::json!({"secrets": [{"sha256": "mcp_secret"}]}),
            "secrets[0].sha256: must be the SHA-256",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}, {"sha256": HASH}]}),
            "secrets[1].sha256: stands here twice",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH, "expires_at": "tomorrow"}]}),
            "secrets[0].expires_at: must be a time",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "instance": ["a"]}),
            "unknown field `instance`",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "limits": {"rate": "20"}}),
            "limits.rate: must be a number and a time",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "limits": {"rate": "0/s"}}),
            "limits.rate: must be a number and a time",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "limits": {"burst": 2}}),
            "limits.burst: means nothing without",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "limits": {"rate": "1/d", "burst": 367}}),
            "limits.burst: 367 calls at once are more than 1/d gives in a year",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "limits": {"rate": "1/d", "burst": u32::MAX}}),
            "limits.burst: 4294967295 calls",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "limits": {"per_day": 0}}),
            "limits.per_day: ",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "limits": {"per_hour": 1}}),
            "unknown field `per_hour`",
        ),
        // All tools, where those that are meant are commented out.
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "tools": null}),
            "tools: is null",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "status": "off"}),
            "status: ",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "roles": ["Admin"]}),
            "roles[0]: `Admin` is no role",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "instances": [""]}),
            "instances[0]: must be what is meant",
        ),
        (
            serde_json::json!({"secrets": [{"sha256": HASH}], "name": "a\nb"}),
            "name: must have",
        ),
    ];
    for (members, expected) in table {
        let problems = read(members.clone()).unwrap_err().to_string();
        assert!(problems.contains(expected), "{members}: {problems}");
        assert!(!problems.contains("mcp_secret"), "{problems}");
    }
    let document = Document::parse(
        serde_json::json!({"secrets": [{"sha256": HASH}]})
            .to_string()
            .as_bytes(),
    )
    .unwrap();
    let problems = ApiKeyDefinition::read("a_b", &document).unwrap_err().to_string();
    assert!(problems.contains("id: must have 1 to 64 of"), "{problems}");
}
