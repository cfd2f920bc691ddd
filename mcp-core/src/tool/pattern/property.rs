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
/// Binary properties of ECMA-262, long and short.
const BINARY: &str = "ASCII ASCII_Hex_Digit AHex Alphabetic Assigned Bidi_Control Bidi_C Bidi_Mirrored Bidi_M \
    Case_Ignorable CI Cased Changes_When_Casefolded CWCF Changes_When_Casemapped CWCM \
    Changes_When_Lowercased CWL Changes_When_NFKC_Casefolded CWKCF Changes_When_Titlecased CWT \
    Changes_When_Uppercased CWU Dash Default_Ignorable_Code_Point DI Deprecated Dep Diacritic Dia Emoji \
    Emoji_Component EComp Emoji_Modifier EMod Emoji_Modifier_Base EBase Emoji_Presentation EPres \
    Extended_Pictographic ExtPict Extender Ext Grapheme_Base Gr_Base Grapheme_Extend Gr_Ext Hex_Digit \
    Hex IDS_Binary_Operator IDSB IDS_Trinary_Operator IDST ID_Continue IDC ID_Start IDS Ideographic Ideo \
    Join_Control Join_C Logical_Order_Exception LOE Lowercase Math Noncharacter_Code_Point NChar \
    Pattern_Syntax Pat_Syn Pattern_White_Space Pat_WS Quotation_Mark QMark Radical Regional_Indicator RI \
    Sentence_Terminal STerm Soft_Dotted SD Terminal_Punctuation Term Unified_Ideograph UIdeo Uppercase \
    Variation_Selector VS White_Space XID_Continue XIDC XID_Start XIDS";
/// Long names of general categories.
const LONG_CATEGORIES: &str = "Cs Cased_Letter Uppercase_Letter Lowercase_Letter Titlecase_Letter Modifier_Letter Other_Letter \
    Combining_Mark Nonspacing_Mark Spacing_Mark Enclosing_Mark Decimal_Number Letter_Number Other_Number \
    Connector_Punctuation Dash_Punctuation Open_Punctuation Close_Punctuation Initial_Punctuation \
    Final_Punctuation Other_Punctuation Math_Symbol Currency_Symbol Modifier_Symbol Other_Symbol \
    Space_Separator Line_Separator Paragraph_Separator Control Format Surrogate Private_Use Unassigned";
/// Also of ECMA-262, where Java and PCRE mean ASCII or nothing.
const FOR_CLIENTS: &str = "Alpha Lower Upper space digit punct cntrl";
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

fn has(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// The escape as ECMA-262 has it; `is_for_clients` where only it can be meant.
pub(super) fn property(is_negated: bool, name: &str, is_for_clients: bool) -> Option<String> {
    let (is_negated, name) = match name.strip_prefix('^') {
        Some(name) => (!is_negated, name),
        None => (is_negated, name),
    };
    let name = match name {
        "L&" => "LC".to_owned(),
        name if CATEGORIES.contains(&name) || has(BINARY, name) || has(LONG_CATEGORIES, name) => {
            name.to_owned()
        }
        name if is_for_clients && has(FOR_CLIENTS, name) => name.to_owned(),
        name if SCRIPTS.contains(&name) => format!("Script={name}"),
        name => {
            let (key, _) = name.split_once('=')?;
            KEYS.contains(&key).then(|| name.to_owned())?
        }
    };
    let letter = if is_negated { 'P' } else { 'p' };
    Some(format!("\\{letter}{{{name}}}"))
}
