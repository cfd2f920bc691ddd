//! How many tokens a text costs a model, about. The one estimate of this project: `explain` shows it for requests and
//! answers, and plans for lists of tools, so that their numbers can be compared.

/// An estimate without any model's vocabulary: four ASCII characters are a token, and every other character is one.
///
/// English and JSON come out within about a quarter of what byte-pair vocabularies of 100,000 and more entries count;
/// Chinese, Japanese and Korean rather too high than too low, and so do letters with accents. Good for comparing one
/// text with another and for budgets, not for bills.
pub fn estimate(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    (ascii.div_ceil(4) + others) as u64
}

#[cfg(test)]
mod tests {
    use super::estimate;

    #[test]
    fn four_ascii_characters_or_one_other_are_a_token() {
        let table = [
            ("", 0),
            ("a", 1),
            ("abcd", 1),
            ("abcde", 2),
            (r#"{"id":7,"total":"19.90"}"#, 6),
            ("查询订单", 4),
            ("id 7: 查询", 4),
            ("\u{1F600}", 1),
        ];
        for (text, expected) in table {
            assert_eq!(estimate(text), expected, "{text}");
        }
    }
}
