//! What the attributes accept and how they refuse the rest: at compile time, with a sentence.

#[test]
fn attributes() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/accepted/*.rs");
    cases.compile_fail("tests/refused/*.rs");
}
