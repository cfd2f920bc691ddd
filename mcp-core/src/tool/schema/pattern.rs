//! What matching a pattern costs for each byte of a text.

/// The weight of a pattern that is matched by trying again and again (look-around, references to groups).
const BACKTRACKING: u64 = 20_000;
/// States of the automaton of one character class by property.
const PROPERTY: u64 = 100;
/// What no pattern is counted above.
const MOST: u64 = 1 << 40;

const BACKTRACKED: [&str; 6] = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "\\k<"];

/// About the states that a text is matched with at once in the worst case; most patterns need one at a time.
pub(crate) fn weight(pattern: &str) -> u64 {
    let mut characters = pattern.chars().peekable();
    let backtracks = BACKTRACKED.iter().any(|mark| pattern.contains(mark));
    // The states of the groups that are open, and of the last thing in each, which a count may multiply.
    let mut open = vec![(0_u64, 0_u64)];
    let mut refers = false;
    while let Some(character) = characters.next() {
        let last = match character {
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
    let states = 1 + states.min(MOST) / 4;
    match backtracks || refers {
        true => states.max(BACKTRACKING),
        false => states,
    }
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
