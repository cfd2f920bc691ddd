//! The table "Style Examples" of the OpenAPI specification 3.1.1, cell by cell, as an echo server sees it; and what the
//! table leaves open: reserved characters, Unicode, nested values.
//!
//! The names are the specification's: a parameter `color` with an empty text, `"blue"`, a list and an object.

use crate::{
    calling::{call_text, engine, text, with},
    upstream::{Seen, Server},
};
use serde_json::{Value, json};

const EMPTY: &str = r#""""#;
const STRING: &str = r#""blue""#;
const ARRAY: &str = r#"["blue","black","brown"]"#;
const OBJECT: &str = r#"{"R":100,"G":200,"B":150}"#;

/// One row of the table in one place of the request: style, explode, and what each of the four values becomes.
struct Row {
    place: &'static str,
    style: &'static str,
    explode: bool,
    cells: [Cell; 4],
}

/// What arrives.
enum Cell {
    Is(&'static str),
    /// The specification does not say; this is what we send.
    Open(&'static str),
}
use Cell::{Is, Open};

const fn row(place: &'static str, style: &'static str, explode: bool, cells: [Cell; 4]) -> Row {
    Row {
        place,
        style,
        explode,
        cells,
    }
}

#[rustfmt::skip]
const TABLE: [Row; 19] = [
    // In the path `color` stands behind a letter, `/x/c{color}`: alone in its segment, a value of nothing is refused.
    row("path", "matrix", false, [Is(";color"), Is(";color=blue"), Is(";color=blue,black,brown"), Is(";color=R,100,G,200,B,150")]),
    row("path", "matrix", true,  [Is(";color"), Is(";color=blue"), Is(";color=blue;color=black;color=brown"), Is(";R=100;G=200;B=150")]),
    row("path", "label",  false, [Is("."), Is(".blue"), Is(".blue,black,brown"), Is(".R,100,G,200,B,150")]),
    row("path", "label",  true,  [Is("."), Is(".blue"), Is(".blue.black.brown"), Is(".R=100.G=200.B=150")]),
    row("path", "simple", false, [Is(""), Is("blue"), Is("blue,black,brown"), Is("R,100,G,200,B,150")]),
    row("path", "simple", true,  [Is(""), Is("blue"), Is("blue,black,brown"), Is("R=100,G=200,B=150")]),
    row("header", "simple", false, [Is(""), Is("blue"), Is("blue,black,brown"), Is("R,100,G,200,B,150")]),
    row("header", "simple", true,  [Is(""), Is("blue"), Is("blue,black,brown"), Is("R=100,G=200,B=150")]),
    row("query", "form", false, [Is("color="), Is("color=blue"), Is("color=blue,black,brown"), Is("color=R,100,G,200,B,150")]),
    row("query", "form", true,  [Is("color="), Is("color=blue"), Is("color=blue&color=black&color=brown"), Is("R=100&G=200&B=150")]),
    row("query", "spaceDelimited", false, [Open("color="), Open("color=blue"), Is("color=blue%20black%20brown"), Is("color=R%20100%20G%20200%20B%20150")]),
    row("query", "pipeDelimited",  false, [Open("color="), Open("color=blue"), Is("color=blue%7Cblack%7Cbrown"), Is("color=R%7C100%7CG%7C200%7CB%7C150")]),
    // Swagger 2.0's `tsv`.
    row("query", "tabDelimited",  false, [Open("color="), Open("color=blue"), Is("color=blue%09black%09brown"), Open("color=R%09100%09G%09200%09B%09150")]),
    row("query", "deepObject", true, [Open("color="), Open("color=blue"), Open("color%5B0%5D=blue&color%5B1%5D=black&color%5B2%5D=brown"), Is("color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150")]),
    row("query", "json", false, [Is("color=%22%22"), Is("color=%22blue%22"), Is("color=%5B%22blue%22%2C%22black%22%2C%22brown%22%5D"), Is("color=%7B%22R%22%3A100%2C%22G%22%3A200%2C%22B%22%3A150%7D")]),
    // Cookies stand behind each other with `; `, where the table, made for queries, has `&`.
    row("cookie", "form", false, [Is("color="), Is("color=blue"), Is("color=blue,black,brown"), Is("color=R,100,G,200,B,150")]),
    row("cookie", "form", true,  [Is("color="), Is("color=blue"), Is("color=blue; color=black; color=brown"), Is("R=100; G=200; B=150")]),
    row("header", "json", false, [Is(r#""""#), Is(r#""blue""#), Is(ARRAY), Is(OBJECT)]),
    row("path", "json", false, [Is("%22%22"), Is("%22blue%22"), Is("%5B%22blue%22%2C%22black%22%2C%22brown%22%5D"), Is("%7B%22R%22%3A100%2C%22G%22%3A200%2C%22B%22%3A150%7D")]),
];

fn arrived(seen: &Seen, place: &str) -> Option<String> {
    match place {
        "path" => seen.path().strip_prefix("/x/c").map(str::to_owned),
        "query" => seen.target.split_once('?').map(|(_, query)| query.to_owned()),
        "header" => seen.header("color").map(str::to_owned),
        _ => seen.header("cookie").map(str::to_owned),
    }
}

/// What arrives in the place, or why nothing was sent.
async fn sent(
    server: &Server,
    place: &str,
    style: &str,
    explode: bool,
    value: &str,
) -> Result<Option<String>, String> {
    let param = json!({"name": "color", "in": place, "style": style, "explode": explode});
    sent_as(server, &param, value).await
}

async fn sent_as(server: &Server, param: &Value, value: &str) -> Result<Option<String>, String> {
    let place = param["in"].as_str().unwrap();
    let path = if place == "path" { "/x/c{color}" } else { "/x" };
    let schema = json!({"type": "object", "properties": {"color": {}}});
    let tool = with(&server.origin, "GET", path, &schema, &json!({"params": [param]}));
    let result = call_text(&engine(), &tool, &format!(r#"{{"color":{value}}}"#)).await;
    if result.is_error {
        assert!(server.seen().is_empty());
        return Err(text(&result));
    }
    Ok(arrived(&server.take(), place))
}

#[tokio::test]
async fn every_cell_of_the_table_arrives_as_the_specification_prints_it() {
    let server = Server::start().await;
    for row in &TABLE {
        for (value, cell) in [EMPTY, STRING, ARRAY, OBJECT].into_iter().zip(&row.cells) {
            let at = format!("{} {} explode={} {value}", row.place, row.style, row.explode);
            let got = sent(&server, row.place, row.style, row.explode, value).await;
            let (Is(expected) | Open(expected)) = cell;
            assert_eq!(got, Ok(Some((*expected).to_owned())), "{at}");
        }
    }
}

/// Style, explode and place, a value, and what arrives; `None`: the parameter is left out.
#[rustfmt::skip]
const MORE: [(&str, &str, bool, &str, Option<&str>); 36] = [
    // Lists and objects without content are "undefined" (RFC 6570 section 2.3) and left out, like null.
    ("query", "form", true, "[]", None),
    ("query", "form", false, "[]", None),
    ("query", "form", true, "{}", None),
    ("query", "spaceDelimited", false, "[]", None),
    ("query", "pipeDelimited", false, "{}", None),
    ("query", "deepObject", true, "{}", None),
    ("query", "form", true, "null", None),
    ("header", "simple", false, "[]", None),
    ("header", "simple", true, "{}", None),
    ("cookie", "form", true, "[]", None),
    // JSON is the value, whatever it is.
    ("query", "json", false, "[]", Some("color=%5B%5D")),
    ("query", "json", false, "1.10", Some("color=1.10")),
    // Reserved characters cannot be taken for delimiters.
    ("query", "form", false, r#"["a,b","c&d=e","f#g"]"#, Some("color=a%2Cb,c%26d%3De,f%23g")),
    ("query", "form", true, r#"["a,b","?/:@!$'()*+;","[%20]"]"#, Some("color=a%2Cb&color=%3F%2F%3A%40%21%24%27%28%29%2A%2B%3B&color=%5B%2520%5D")),
    ("query", "form", true, r#"{"a&b":"c=d"}"#, Some("a%26b=c%3Dd")),
    ("query", "pipeDelimited", false, r#"["a|b","c d"]"#, Some("color=a%7Cb%7Cc%20d")),
    ("query", "tabDelimited", false, r#"["a\tb","c d",null]"#, Some("color=a%09b%09c%20d")),
    ("query", "deepObject", true, r#"{"a]b":"c","":"d"}"#, Some("color%5Ba%5Db%5D=c&color%5B%5D=d")),
    ("path", "matrix", true, r#"{"a;b":"c=d/e","f":""}"#, Some(";a%3Bb=c%3Dd%2Fe;f")),
    ("path", "matrix", false, r#"["a;b","c,d"]"#, Some(";color=a%3Bb,c%2Cd")),
    ("path", "label", true, r#"["a.b","c/d"]"#, Some(".a.b.c%2Fd")),
    ("path", "simple", true, r#"{"a=b":"c,d"}"#, Some("a%3Db=c%2Cd")),
    ("cookie", "form", true, r#"["a;b","c d\r\n"]"#, Some("color=a%3Bb; color=c%20d%0D%0A")),
    ("header", "json", false, "{\"a\":\"ü\u{1F600}\",\n\"b\":1}", Some(r#"{"a":"\u00fc\ud83d\ude00", "b":1}"#)),
    // Unicode.
    ("query", "form", true, r#""ü\u0000😀""#, Some("color=%C3%BC%00%F0%9F%98%80")),
    ("path", "matrix", false, r#""日本""#, Some(";color=%E6%97%A5%E6%9C%AC")),
    ("cookie", "form", false, r#"["é"]"#, Some("color=%C3%A9")),
    // Numbers keep their text, null among others is left out, deeper values are JSON.
    ("query", "form", false, r#"[1.10,1E+2,123456789012345678901234567890,true,null]"#, Some("color=1.10,1E%2B2,123456789012345678901234567890,true")),
    ("query", "form", true, r#"[[1, 2],{"a":1}]"#, Some("color=%5B1%2C%202%5D&color=%7B%22a%22%3A1%7D")),
    // deepObject goes all the way down; items have numbers.
    ("query", "deepObject", true, r#"{"a":{"b":{"c":"d"}}}"#, Some("color%5Ba%5D%5Bb%5D%5Bc%5D=d")),
    ("query", "deepObject", true, r#"{"a":[1,{"b":2}],"c":null,"d":{},"e":""}"#, Some("color%5Ba%5D%5B0%5D=1&color%5Ba%5D%5B1%5D%5Bb%5D=2&color%5Be%5D=")),
    ("query", "deepObject", true, r#"{"gte":"2024-01-01T00:00:00+02:00"}"#, Some("color%5Bgte%5D=2024-01-01T00%3A00%3A00%2B02%3A00")),
    ("query", "spaceDelimited", false, r#"["a b","c"]"#, Some("color=a%20b%20c")),
    ("path", "label", false, "5", Some(".5")),
    ("path", "simple", false, "false", Some("false")),
    ("header", "simple", false, r#"["a",null,1.10]"#, Some("a,,1.10")),
];

#[tokio::test]
async fn what_the_table_leaves_open_arrives_unmistakably() {
    let server = Server::start().await;
    for (place, style, explode, value, expected) in MORE {
        let got = sent(&server, place, style, explode, value).await;
        assert_eq!(
            got,
            Ok(expected.map(str::to_owned)),
            "{place} {style} explode={explode} {value}"
        );
    }
}

/// `allow_reserved`: style, explode, a value, and what arrives.
#[rustfmt::skip]
const RESERVED: [(&str, bool, &str, &str); 16] = [
    // The example of OpenAPI 3.1.1, appendix C ("formulas").
    ("form", true, r#"{"a":"x+y","b":"x/y","c":"x^y"}"#, "a=x%2By&b=x/y&c=x%5Ey"),
    // All of the reserved characters (RFC 3986 section 2.2) but those that end a value or mean something in it.
    ("form", true, r#"":/?@!$'()*,;""#, "color=:/?@!$'()*,;"),
    ("form", true, r#""[]#&=+""#, "color=%5B%5D%23%26%3D%2B"),
    ("form", true, r#""a&b=c#d?e""#, "color=a%26b%3Dc%23d?e"),
    // Triplets pass unchanged, any other `%` is encoded; other characters as ever.
    ("form", true, r#""%2F%2f%26 100% %zz ü""#, "color=%2F%2f%26%20100%25%20%25zz%20%C3%BC"),
    ("form", true, r#""""#, "color="),
    ("form", true, r#"["a/b","c,d"]"#, "color=a/b&color=c,d"),
    // Where a comma separates, it stays encoded inside of an item.
    ("form", false, r#"["a/b","c,d"]"#, "color=a/b,c%2Cd"),
    ("form", false, r#"["a,b"]"#, "color=a%2Cb"),
    ("form", false, r#"{"k,1":"v/2"}"#, "color=k%2C1,v/2"),
    ("form", false, r#""a,b""#, "color=a,b"),
    ("spaceDelimited", false, r#"["a/b","c,d e"]"#, "color=a/b%20c,d%20e"),
    ("pipeDelimited", false, r#"["a/b","c|d"]"#, "color=a/b%7Cc%7Cd"),
    ("tabDelimited", false, r#"["a/b"]"#, "color=a/b"),
    // Names are never reserved expansion.
    ("deepObject", true, r#"{"a/b":"c/d","e":["f:g"]}"#, "color%5Ba%2Fb%5D=c/d&color%5Be%5D%5B0%5D=f:g"),
    ("form", true, r#"{"a/b":"c/d"}"#, "a%2Fb=c/d"),
];

#[tokio::test]
async fn reserved_characters_stay_bare_where_the_definition_says_so_and_never_end_the_value() {
    let server = Server::start().await;
    for (style, explode, value, expected) in RESERVED {
        let param = json!({"name": "color", "in": "query", "style": style, "explode": explode, "allow_reserved": true});
        let got = sent_as(&server, &param, value).await;
        assert_eq!(
            got,
            Ok(Some(expected.to_owned())),
            "{style} explode={explode} {value}"
        );
    }
}

#[tokio::test]
async fn a_path_is_never_changed_by_what_is_not_there_or_climbs() {
    let server = Server::start().await;
    for (style, explode, value, reason) in [
        ("simple", false, "null", "/color: is required, but missing"),
        ("matrix", true, "[]", "/color: is empty"),
        ("label", false, "{}", "/color: is empty"),
        (
            "simple",
            true,
            "{\"..\":\"a\"}",
            "/color: has a `.` or `..` segment",
        ),
        (
            "label",
            true,
            "[\"a\",\"../x\"]",
            "/color: has a `.` or `..` segment",
        ),
        ("json", false, "\"a/../b\"", "/color: has a `.` or `..` segment"),
    ] {
        let refused = sent(&server, "path", style, explode, value).await.unwrap_err();
        assert!(refused.contains(reason), "{style} {value}: {refused}");
    }
    // Alone in its segment: an empty text would leave the segment out, a label without text would be `.`.
    let schema = json!({"type": "object", "properties": {"color": {}}});
    for (style, value) in [
        ("simple", r#""""#),
        ("label", r#""""#),
        ("label", r#"".""#),
        ("label", r#"["",""]"#),
    ] {
        let more = json!({"params": [{"name": "color", "in": "path", "style": style, "explode": true}]});
        let tool = with(&server.origin, "GET", "/x/{color}/y", &schema, &more);
        let result = call_text(&engine(), &tool, &format!(r#"{{"color":{value}}}"#)).await;
        assert!(result.is_error, "{style} {value}");
    }
    assert!(server.seen().is_empty());
}
