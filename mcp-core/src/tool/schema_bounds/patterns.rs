//! The patterns of a schema: how many, how long, and how much of the memory for all of them each one gets.

use jsonschema::PatternOptions;
use mcp_common::bounds::{Bound, Bounds, Exceeded};
use serde_json::{Value, json};

/// Steps of a backtracking pattern; a pattern that needs more is hostile.
const BACKTRACK_LIMIT: usize = 100_000;
/// What one pattern may take, even if it is the only one.
const MOST: usize = 10 << 20;
/// What matching one may keep for later, and what all may together.
const MOST_KEPT: usize = 2 << 20;
const ALL_KEPT: usize = 64 << 20;
/// The least that is kept; with less, matching is slow.
const LEAST_KEPT: usize = 64 << 10;
/// What only a backtracking engine does; it compiles what lies in between one by one.
const BACKTRACKING: [&str; 8] = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "(?(", r"\k", r"\G"];

/// The engine has them by number only, however small they are.
const NAMED: &str = r"a reference to a named group (`\k<name>`) cannot be compiled; write `\1` for what the first group matched";

/// What all patterns of one schema have.
#[derive(Debug)]
pub(crate) struct Patterns {
    count: usize,
    bytes: usize,
    /// Programs that are compiled.
    programs: usize,
    memory: Bound,
}

impl Patterns {
    /// Refuses more than the bounds.
    pub(crate) fn of(schema: &Value, bounds: &Bounds) -> Result<Self, Exceeded> {
        let mut patterns = Self {
            count: 0,
            bytes: 0,
            programs: 0,
            memory: bounds.schema_pattern_memory,
        };
        patterns.collect(schema);
        bounds.schema_patterns.check(patterns.count)?;
        bounds.schema_pattern_bytes.check(patterns.bytes)?;
        Ok(patterns)
    }

    fn collect(&mut self, value: &Value) {
        each(value, &mut |pattern| self.add(pattern));
    }

    fn add(&mut self, pattern: &str) {
        self.count += 1;
        self.bytes += pattern.len();
        self.programs += programs(pattern);
    }

    /// How they are compiled.
    pub(crate) fn options(&self) -> PatternOptions<jsonschema::FancyRegex> {
        let kept = ALL_KEPT / self.programs.max(1);
        PatternOptions::fancy_regex()
            .backtrack_limit(BACKTRACK_LIMIT)
            .size_limit(self.part())
            .dfa_size_limit(kept.clamp(LEAST_KEPT, MOST_KEPT))
    }

    fn part(&self) -> usize {
        MOST.min(self.memory.most / self.programs.max(1))
    }

    /// Why one of them cannot be compiled; `None` where it is no pattern.
    pub(crate) fn too_large(&self, pattern: &Value) -> Option<String> {
        if pattern.as_str().is_some_and(|text| text.contains(r"\k<")) {
            return Some(NAMED.to_owned());
        }
        let syntax = json!({"format": "regex"});
        let syntax = jsonschema::options().should_validate_formats(true).build(&syntax);
        let is_pattern = syntax.is_ok_and(|syntax| syntax.is_valid(pattern));
        let (part, count, Bound { key, .. }) = (self.part(), self.count, self.memory);
        is_pattern.then(|| {
            format!(
                "the pattern takes more than {part} bytes compiled, its part of `bounds.{key}` among {count} patterns"
            )
        })
    }
}

/// Every pattern that stands in the schema.
pub(crate) fn each<'a>(schema: &'a Value, see: &mut impl FnMut(&'a str)) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        Value::Object(members) => {
            if let Some(Value::String(pattern)) = members.get("pattern") {
                see(pattern);
            }
            if let Some(Value::Object(named)) = members.get("patternProperties") {
                named.keys().for_each(|pattern| see(pattern));
            }
            members.values().for_each(|value| each(value, see));
        }
        _ => {}
    }
}

/// How many programs become of one pattern, at most.
fn programs(pattern: &str) -> usize {
    let is_reference = |pair: &[u8]| pair[0] == b'\\' && pair[1].is_ascii_digit();
    let backtracks = BACKTRACKING.iter().any(|mark| pattern.contains(mark))
        || pattern.as_bytes().windows(2).any(is_reference);
    if !backtracks {
        return 1;
    }
    let ends = pattern.bytes().filter(|byte| matches!(byte, b'(' | b'|' | b'\\'));
    1 + ends.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_share_one_memory() {
        let bounds = Bounds::default();
        let part = |schema: Value| Patterns::of(&schema, &bounds).unwrap().part();
        assert_eq!(part(json!({})), MOST);
        assert_eq!(part(json!({"pattern": "a"})), MOST);
        let many: Vec<_> = (0..64).map(|_| json!({"pattern": "a"})).collect();
        assert_eq!(part(json!({"anyOf": many})), 512 << 10);
        let pieces = r"^(?=a)(?=b)c$";
        assert_eq!(part(json!({"patternProperties": {pieces: {}, "x": {}}})), 8 << 20);
    }

    #[test]
    fn what_cannot_be_compiled_is_not_called_too_large() {
        let schema = json!({"pattern": r"(?<y>a)\k<y>"});
        let patterns = Patterns::of(&schema, &Bounds::default()).unwrap();
        let why = |pattern: &str| patterns.too_large(&json!(pattern)).unwrap_or_default();
        assert!(why(r"(?<y>a)\k<y>").contains(r"write `\1`"));
        assert!(why(r"\p{L}{5000}").contains("takes more than"));
        assert_eq!(why("("), "");
    }

    #[test]
    fn too_many_and_too_long_are_refused() {
        let bounds = Bounds::default();
        let key = |schema: Value| Patterns::of(&schema, &bounds).unwrap_err().bound.key;
        let many: Vec<_> = (0..501).map(|n| json!({"pattern": n.to_string()})).collect();
        assert_eq!(key(json!({"allOf": many})), "schema_patterns");
        assert_eq!(
            key(json!({"pattern": "a".repeat((64 << 10) + 1)})),
            "schema_pattern_bytes"
        );
    }
}
