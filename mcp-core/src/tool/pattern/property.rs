//! Characters by property.

const CATEGORIES: [&str; 45] = [
    "L",
    "Lu",
    "Ll",
    "Lt",
    "LC",
    "Lm",
    "Lo",
    "M",
    "Mn",
    "Mc",
    "Me",
    "N",
    "Nd",
    "Nl",
    "No",
    "P",
    "Pc",
    "Pd",
    "Ps",
    "Pe",
    "Pi",
    "Pf",
    "Po",
    "S",
    "Sm",
    "Sc",
    "Sk",
    "So",
    "Z",
    "Zs",
    "Zl",
    "Zp",
    "C",
    "Cc",
    "Cf",
    "Co",
    "Cn",
    "Letter",
    "Mark",
    "Number",
    "Punctuation",
    "Symbol",
    "Separator",
    "Other",
    "Any",
];
const BINARY: [&str; 7] = [
    "ASCII",
    "Alphabetic",
    "Lowercase",
    "Uppercase",
    "White_Space",
    "ID_Start",
    "ID_Continue",
];
/// Python's and PCRE's short names of scripts.
const SCRIPTS: [&str; 12] = [
    "Latin",
    "Greek",
    "Cyrillic",
    "Han",
    "Hiragana",
    "Katakana",
    "Hangul",
    "Arabic",
    "Hebrew",
    "Thai",
    "Devanagari",
    "Armenian",
];
const KEYS: [&str; 6] = [
    "Script",
    "sc",
    "Script_Extensions",
    "scx",
    "General_Category",
    "gc",
];

/// The escape as ECMA-262 has it.
pub(super) fn property(is_negated: bool, name: &str) -> Option<String> {
    let (is_negated, name) = match name.strip_prefix('^') {
        Some(name) => (!is_negated, name),
        None => (is_negated, name),
    };
    let name = match name {
        "L&" => "LC".to_owned(),
        name if CATEGORIES.contains(&name) || BINARY.contains(&name) => name.to_owned(),
        name if SCRIPTS.contains(&name) => format!("Script={name}"),
        name => {
            let (key, _) = name.split_once('=')?;
            KEYS.contains(&key).then(|| name.to_owned())?
        }
    };
    let letter = if is_negated { 'P' } else { 'p' };
    Some(format!("\\{letter}{{{name}}}"))
}
