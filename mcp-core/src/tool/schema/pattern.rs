//! What a pattern costs: matching it, for each byte of a text, and keeping it.

/// The weight of a pattern that is matched by trying again and again (look-around, references to groups).
const BACKTRACKING: u64 = 20_000;
/// States of the automaton of one character class by property.
const PROPERTY: u64 = 100;
/// States of one that is nearly any character, where they are kept: one for each length of a character, and more.
const NEARLY_ANY: u64 = 6;
/// Bytes for a state: of the automata in both directions, and of what matching keeps for later.
const STATE_BYTES: u64 = 100;
/// Bytes for a pattern without states.
const PATTERN_BYTES: u64 = 8 << 10;
/// What a pattern may take at the most, and twice that with what matching keeps.
const MOST_BYTES: u64 = 24 << 20;
/// What no pattern is counted above.
const MOST: u64 = 1 << 40;

const BACKTRACKED: [&str; 6] = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "\\k<"];

/// About the states that a text is matched with at once in the worst case; most patterns need one at a time.
pub(crate) fn weight(pattern: &str) -> u64 {
    let backtracks = BACKTRACKED.iter().any(|mark| pattern.contains(mark));
    let (states, refers) = states(pattern, |_| None);
    let states = 1 + states.min(MOST) / 4;
    match backtracks || refers {
        true => states.max(BACKTRACKING),
        false => states,
    }
}

/// About the bytes that it takes, compiled.
pub(super) fn memory(pattern: &str) -> u64 {
    let (states, _) = states(pattern, kept_class);
    PATTERN_BYTES + states.saturating_mul(STATE_BYTES).min(MOST_BYTES)
}

/// The states of the class that a text begins with, where they are kept, and how many characters it is written with.
fn kept_class(text: &str) -> Option<(u64, usize)> {
    if text.starts_with('.') {
        return Some((NEARLY_ANY, 1));
    }
    let inner = text.strip_prefix('[')?;
    let mut is_escaped = false;
    let end = inner.char_indices().skip(1).find(|(_, character)| {
        let ends = *character == ']' && !is_escaped;
        is_escaped = *character == '\\' && !is_escaped;
        ends
    });
    let inner = &inner[..end?.0];
    let is_any_of = |marks: &[&str]| marks.iter().any(|mark| inner.contains(mark));
    let states = match inner {
        _ if is_any_of(&["\\p", "\\P"]) => PROPERTY,
        _ if inner.starts_with('^') || is_any_of(&["\\S", "\\W", "\\D"]) || !inner.is_ascii() => NEARLY_ANY,
        _ => 1,
    };
    Some((states, inner.chars().count() + 2))
}

/// About the states of its automaton, and whether it refers to its own groups. `class` tells of a text how many states the class has
/// that it begins with, and how long that is; without, a class is the characters that it is written with.
fn states(pattern: &str, class: impl Fn(&str) -> Option<(u64, usize)>) -> (u64, bool) {
    let mut characters = pattern.chars();
    // The states of the groups that are open, and of the last thing in each, which a count may multiply.
    let mut open = vec![(0_u64, 0_u64)];
    let mut refers = false;
    loop {
        let of_class = class(characters.as_str());
        let Some(character) = characters.next() else {
            break;
        };
        let last = match character {
            _ if let Some((states, length)) = of_class => {
                characters.by_ref().take(length - 1).for_each(drop);
                states
            }
            '\\' => match characters.next() {
                Some('p' | 'P') => PROPERTY,
                Some('1'..='9') => {
                    refers = true;
                    1
                }
                _ => 1,
            },
            '(' => {
                open.push((0, 0));
                continue;
            }
            ')' if open.len() > 1 => match open.pop() {
                Some((sum, last)) => sum.saturating_add(last).max(1),
                None => 1,
            },
            '{' => {
                let mut most = 1_u64;
                let mut number = 0_u64;
                for digit in characters.by_ref().take_while(|c| *c != '}') {
                    number = match digit.to_digit(10) {
                        Some(digit) => number.saturating_mul(10).saturating_add(digit.into()),
                        None => 0,
                    };
                    most = most.max(number);
                }
                if let Some((_, last)) = open.last_mut() {
                    *last = last.saturating_mul(most).min(MOST);
                }
                continue;
            }
            _ => 1,
        };
        if let Some((sum, before)) = open.last_mut() {
            *sum = sum.saturating_add(*before).min(MOST);
            *before = last.min(MOST);
        }
    }
    let states = open.into_iter().fold(0_u64, |all, (sum, last)| {
        all.saturating_add(sum).saturating_add(last)
    });
    (states, refers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_multiply_and_looking_around_is_dear() {
        let uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
        assert!(weight(uuid) < 100, "{}", weight(uuid));
        assert!(weight("^.{1,200}$") < 100);
        assert!(weight("(a{100}){100}") >= 2_500);
        assert!(weight("((a{1000}){1000}){1000}") >= 250_000_000);
        assert!(weight(r"\p{L}{200}") > weight("[a-z]{200}"));
        for backtracking in [r"^(?!.*\.\.)[a-z.]+$", r"(a+)\1", r"(?<=a)b"] {
            assert!(weight(backtracking) >= BACKTRACKING, "{backtracking}");
        }
        // What is no pattern has a weight all the same.
        for odd in ["", ")", "(", "{", "a{", "\\", "[(]"] {
            assert!(weight(odd) < 10, "{odd}");
        }
    }
}
