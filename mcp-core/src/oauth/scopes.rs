//! Scopes, in the order in which they were named.

/// More are not asked for, whatever a server says.
const MOST: usize = 100;
/// A longer word is no scope.
const LONGEST: usize = 256;

/// What a server or a document calls scopes, separated by blanks. What cannot be one is left out.
pub(super) fn parse(text: &str) -> Vec<String> {
    union(&[], text.split(' ').map(str::to_owned))
}

/// All of both.
pub(super) fn union(some: &[String], others: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all = some.to_vec();
    for scope in others {
        if all.len() < MOST && is_scope(&scope) && !all.contains(&scope) {
            all.push(scope);
        }
    }
    all
}

/// RFC 6749 section 3.3.
fn is_scope(text: &str) -> bool {
    let is_part = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_part)
}
