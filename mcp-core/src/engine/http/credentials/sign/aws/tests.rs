//! The published test suite of Signature Version 4: its requests and the signatures that it has for them.

use super::{
    super::{Hash, body},
    *,
};
use mcp_common::definition::tool::{MaybeSecret, SecretReference};
use std::time::Duration;

const KEYS: Keys<'static> = Keys {
    id: "AKIDEXAMPLE",
    secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    token: None,
};

fn signer(service: &str, says_content: bool) -> AwsSigner {
    AwsSigner {
        access_key: MaybeSecret::Plain("AKIDEXAMPLE".to_owned()),
        secret_key: SecretReference::Stored("key".to_owned()),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: service.to_owned(),
        says_content,
    }
}

/// 2015-08-30T12:36:00Z.
fn then() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("https://example.amazonaws.com{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::from(body)).unwrap()
}

fn authorization(headers: &Headers) -> &str {
    let found = headers.iter().find(|(name, _)| *name == header::AUTHORIZATION);
    found.unwrap().1.to_str().unwrap()
}

/// Method, target, headers, body, and what is signed with which signature.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
    &'static str,
);

const FORM: &str = "application/x-www-form-urlencoded";
const NOTHING: &[(&str, &str)] = &[];
const USUAL: &str = "host;x-amz-date";
const WITH_ONE: &str = "host;my-header1;x-amz-date";
const UNRESERVED: &str = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const CASES: &[Case] = &[
    (
        "GET",
        "/",
        NOTHING,
        "",
        USUAL,
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "POST",
        "/",
        NOTHING,
        "",
        USUAL,
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    (
        "GET",
        "/",
        &[
            ("My-Header1", "value2"),
            ("My-Header1", "value2"),
            ("My-Header1", "value1"),
        ],
        "",
        WITH_ONE,
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    (
        "GET",
        "/",
        &[
            ("My-Header1", "value4"),
            ("My-Header1", "value1"),
            ("My-Header1", "value3"),
            ("My-Header1", "value2"),
        ],
        "",
        WITH_ONE,
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    (
        "GET",
        "/",
        &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        "",
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "POST",
        "/",
        &[("My-Header1", "value1")],
        "",
        WITH_ONE,
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    (
        "POST",
        "/",
        &[("My-Header1", "VALUE1")],
        "",
        WITH_ONE,
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    (
        "GET",
        UNRESERVED,
        NOTHING,
        "",
        USUAL,
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "GET",
        "/example/..",
        NOTHING,
        "",
        USUAL,
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "GET",
        "/example1/example2/../..",
        NOTHING,
        "",
        USUAL,
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "GET",
        "/./",
        NOTHING,
        "",
        USUAL,
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "GET",
        "/./example",
        NOTHING,
        "",
        USUAL,
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    ),
    (
        "GET",
        "//",
        NOTHING,
        "",
        USUAL,
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "GET",
        "//example//",
        NOTHING,
        "",
        USUAL,
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    (
        "GET",
        "/example/$delete",
        NOTHING,
        "",
        USUAL,
        "a853c9b21b528b19643d00910d35b83a10c366a10833ceefb45edd6c80e40f27",
    ),
    (
        "GET",
        "/?Param1=value1",
        NOTHING,
        "",
        USUAL,
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    (
        "GET",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        NOTHING,
        "",
        USUAL,
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ),
    (
        "GET",
        "/?Param2=value2&Param1=value1",
        NOTHING,
        "",
        USUAL,
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "GET",
        "/?Param1=value2&Param1=Value1",
        NOTHING,
        "",
        USUAL,
        "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
    ),
    (
        "GET",
        "/?Param1=value2&Param1=value1",
        NOTHING,
        "",
        USUAL,
        "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
    ),
    (
        "GET",
        "/?%E1%88%B4=bar",
        NOTHING,
        "",
        USUAL,
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    (
        "POST",
        "/?Param1=value1",
        NOTHING,
        "",
        USUAL,
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    ),
    (
        "POST",
        "/",
        &[("Content-Type", FORM)],
        "Param1=value1",
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    (
        "POST",
        "/",
        &[("Content-Type", "application/x-www-form-urlencoded; charset=utf8")],
        "Param1=value1",
        "content-type;host;x-amz-date",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
];

fn signed_at(
    signer: &AwsSigner,
    request: &Request<Full<Bytes>>,
    keys: &Keys<'_>,
    at: SystemTime,
) -> Result<Headers, String> {
    signed(signer, request, keys, (at, &Hash::Sha256.of(&body(request))))
}

#[test]
fn requests_of_the_published_suite_have_its_signatures() {
    let signer = signer("service", false);
    for (method, target, headers, body, names, signature) in CASES {
        let request = request(method, target, headers, body);
        let signed = signed_at(&signer, &request, &KEYS, then()).unwrap();
        assert_eq!(
            authorization(&signed),
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, Signature={signature}"
            ),
            "{method} {target} {headers:?}"
        );
    }
}

/// Characters that no target has as they are: paths are encoded once more than they are sent.
#[test]
fn paths_are_encoded_once_more_but_for_those_that_are_keys() {
    let service = signer("service", false);
    assert_eq!(canonical_path(&service, "/example space/"), "/example%20space/");
    assert_eq!(canonical_path(&service, "/\u{1234}"), "/%E1%88%B4");
    assert_eq!(canonical_path(&service, "/a%20b/%2F"), "/a%2520b/%252F");
    let s3 = signer("s3", true);
    assert_eq!(canonical_path(&s3, "/a%20b//../c$"), "/a%20b//../c%24");
    // Whose name only begins so.
    let tables = signer("s3tables", true);
    assert_eq!(canonical_path(&tables, "/arn%3Aaws%2Fb"), "/arn%253Aaws%252Fb");
    assert_eq!(canonical_query("b=%7e&a+b&c=x%2fy"), "a%2Bb=&b=~&c=x%2Fy");
}

#[test]
fn tokens_and_the_hash_of_the_body_are_signed_too() {
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let with_token = Keys {
        token: Some(token),
        ..KEYS
    };
    let request = request("GET", "/", NOTHING, "");
    let signed_too = signed_at(&signer("service", false), &request, &with_token, then()).unwrap();
    assert!(
        authorization(&signed_too).ends_with(
            "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
        ),
        "{}",
        authorization(&signed_too)
    );
    // The example of the documentation of S3: a part of an object.
    let keys = Keys {
        id: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        token: None,
    };
    let object = Request::builder()
        .uri("https://examplebucket.s3.amazonaws.com/test.txt")
        .header("Range", "bytes=0-9")
        .body(Full::default())
        .unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
    let of_object = signed_at(&signer("s3", true), &object, &keys, at).unwrap();
    assert!(
        authorization(&of_object).ends_with(
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ),
        "{}",
        authorization(&of_object)
    );
}

#[test]
fn a_moment_is_written_as_it_is() {
    for (seconds, expected) in [
        (0, "19700101T000000Z"),
        (951_782_399, "20000228T235959Z"),
        (951_782_400, "20000229T000000Z"),
        (1_440_938_160, "20150830T123600Z"),
        (4_107_542_400, "21000301T000000Z"),
    ] {
        assert_eq!(moment(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
    }
}
