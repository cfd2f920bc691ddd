//! What templates may let grow. The engine bounds the steps of a template and the gateway its result, but what lies in
//! between doubles with every `{% set x = x ~ x %}`: every value that is kept under a name passes a bound, and what
//! collects text past all bounds is not there.

use super::words::{Word, Words};
use mcp_common::bounds::Bound;

/// The filters that stand before what may grow (`bounded.rs`).
pub(super) const BOUNDED: &str = "dynmcp_bounded";
pub(super) const NUMBER: &str = "dynmcp_number";
/// The filter that stands after what an operator or a loop looks at (`work.rs`).
pub(super) const LOOKED_AT: &str = "dynmcp_looked_at";
/// Values that one tag may join: each may be as large as what came in.
const MAX_JOINED: usize = 32;
/// Words that stand before a value and are none.
const KEYWORDS: [&str; 13] = [
    "if", "else", "elif", "and", "or", "not", "in", "is", "for", "set", "with", "do", "import",
];

/// A word and where it stands.
#[derive(Clone, Copy)]
struct Placed<'a> {
    word: Word<'a>,
    start: usize,
    end: usize,
}

/// The template with its bounds in place, or what it uses that has none.
pub(super) fn bounded(source: &str, tag_words: Bound) -> Result<String, String> {
    let words = placed(source);
    let mut pieces: Vec<(usize, String)> = Vec::new();
    for (index, tag) in tags(&words) {
        let is_statement = index > 0 && words[index - 1].word == Word::Block;
        tag_words
            .check(tag.len())
            .map_err(|exceeded| exceeded.to_string())?;
        joined(tag)?;
        // What is wrapped last stands around the others.
        products(&words, index, index + tag.len(), &mut pieces);
        let is_for = is_statement && statement_name(tag) == Some("for");
        looked_at(&words, index, index + tag.len(), is_for, &mut pieces)?;
        if is_statement {
            statement(tag, &mut pieces)?;
        }
    }
    // Stable, so that what stands at one place stays in order.
    pieces.sort_by_key(|(place, _)| *place);
    let mut out = String::with_capacity(source.len() + 32 * pieces.len());
    let mut from = 0;
    for (place, piece) in pieces {
        out.push_str(&source[from..place]);
        out.push_str(&piece);
        from = place;
    }
    out.push_str(&source[from..]);
    Ok(out)
}

fn placed(source: &str) -> Vec<Placed<'_>> {
    let mut words = Words::of(source);
    let mut placed = Vec::new();
    let place_of = |part: &str| part.as_ptr().addr() - source.as_ptr().addr();
    while let Some(word) = words.next() {
        let end = source.len() - words.rest().len();
        let start = match word {
            Word::Name(name) => place_of(name),
            // The quote.
            Word::Text(text) => place_of(text) - 1,
            Word::Symbol(symbol) => end - symbol.len_utf8(),
            Word::Block | Word::Edge => end - 2,
        };
        placed.push(Placed { word, start, end });
    }
    placed
}

/// The insides of all tags, and where they begin.
fn tags<'w, 'a>(words: &'w [Placed<'a>]) -> impl Iterator<Item = (usize, &'w [Placed<'a>])> {
    let is_edge = |placed: &Placed<'_>| matches!(placed.word, Word::Edge | Word::Block);
    let mut from = 0;
    words.split(is_edge as fn(&Placed<'a>) -> bool).map(move |tag| {
        let index = from;
        from += tag.len() + 1;
        (index, tag)
    })
}

fn joined(tag: &[Placed<'_>]) -> Result<(), String> {
    let joined = tag.iter().enumerate().filter(|(index, placed)| {
        let next = tag.get(index + 1).map(|next| next.word);
        match placed.word {
            Word::Symbol('~' | '+') => true,
            Word::Symbol(',') => matches!(next, Some(Word::Name(name)) if !is_number(name)),
            _ => false,
        }
    });
    if joined.count() > MAX_JOINED {
        return Err(format!(
            "joins more than {MAX_JOINED} values in one tag; make several of it"
        ));
    }
    Ok(())
}

fn statement_name<'a>(tag: &[Placed<'a>]) -> Option<&'a str> {
    let tag = match tag {
        [first, tag @ ..] if matches!(first.word, Word::Symbol('-' | '+')) => tag,
        tag => tag,
    };
    match tag.first().map(|placed| placed.word) {
        Some(Word::Name(name)) => Some(name),
        _ => None,
    }
}

fn statement(tag: &[Placed<'_>], pieces: &mut Vec<(usize, String)>) -> Result<(), String> {
    // `{%-` belongs to the tag.
    let tag = match tag {
        [first, tag @ ..] if matches!(first.word, Word::Symbol('-' | '+')) => tag,
        tag => tag,
    };
    let Some(Word::Name(name)) = tag.first().map(|placed| placed.word) else {
        return Ok(());
    };
    match name {
        "set" => kept(tag, pieces),
        "filter" => Err("filters a block of text (`{% filter … %}`); use `{{ … | filter }}`".into()),
        "with" if grows(&tag[1..], true) => {
            Err("makes new values in `{% with … %}`; make them in `{% set … %}`, which has a bound".into())
        }
        "for" if tag.iter().any(|placed| placed.word == Word::Name("recursive")) => {
            Err("has a loop that calls itself (`recursive`)".into())
        }
        _ => Ok(()),
    }
}

/// A value that is kept under a name.
fn kept(tag: &[Placed<'_>], pieces: &mut Vec<(usize, String)>) -> Result<(), String> {
    let mut depth = 0_i32;
    let equals = tag.iter().position(|placed| {
        match placed.word {
            Word::Symbol('(' | '[' | '{') => depth += 1,
            Word::Symbol(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        depth == 0 && placed.word == Word::Symbol('=')
    });
    let Some(equals) = equals else {
        return Err("keeps a block of text (`{% set x %}…{% endset %}`); write `{% set x = … %}`".into());
    };
    let value = &tag[equals + 1..];
    // `-%}` and `+%}` belong to the tag.
    let value = match value {
        [value @ .., last] if matches!(last.word, Word::Symbol('-' | '+')) => value,
        value => value,
    };
    if let (Some(first), Some(last)) = (value.first(), value.last())
        && grows(value, false)
    {
        pieces.push((first.start, "(".into()));
        pieces.push((last.end, format!(")|{BOUNDED}")));
    }
    Ok(())
}

/// Whether a value may be larger than those that it is made of. Between the values of `with` stand commas.
fn grows(value: &[Placed<'_>], are_several: bool) -> bool {
    let mut depth = 0_i32;
    value.iter().enumerate().any(|(index, placed)| {
        let is_after_value = index
            .checked_sub(1)
            .is_some_and(|before| is_value_end(value[before].word));
        match placed.word {
            Word::Symbol('(' | '[' | '{') => depth += 1,
            Word::Symbol(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        match placed.word {
            Word::Symbol('~' | '+' | '*' | '{' | '|') => true,
            Word::Symbol(',') => depth > 0 || !are_several,
            // A list, no subscript.
            Word::Symbol('[') => !is_after_value,
            _ => false,
        }
    })
}

/// Numbers are multiplied, texts and lists are not: a client would say how often.
fn products(words: &[Placed<'_>], from: usize, to: usize, pieces: &mut Vec<(usize, String)>) {
    let is_star = |index: usize| {
        words
            .get(index)
            .is_some_and(|placed| placed.word == Word::Symbol('*'))
    };
    for index in from..to {
        let is_power = |other: usize| {
            is_star(other)
                && (words[other].end == words[index].start || words[index].end == words[other].start)
        };
        let has_left = index > from && is_value_end(words[index - 1].word);
        if !is_star(index) || !has_left || is_power(index - 1) || is_power(index + 1) {
            continue;
        }
        let left = operand_start(&words[from..index]) + from;
        let right = operand_end(&words[index + 1..to]) + index + 1;
        for operand in [&words[left..index], &words[index + 1..right]] {
            let is_literal =
                matches!(operand, [one] if matches!(one.word, Word::Name(name) if is_number(name)));
            if let (Some(first), Some(last), false) = (operand.first(), operand.last(), is_literal) {
                pieces.push((first.start, "(".into()));
                pieces.push((last.end, format!(")|{NUMBER}")));
            }
        }
    }
}

/// What a step of a template may look at as a whole is counted: operands of comparisons, of `in` and of sums, what is
/// sliced, and what loops go through. Filters and tests count themselves.
fn looked_at(
    words: &[Placed<'_>],
    from: usize,
    to: usize,
    is_for: bool,
    pieces: &mut Vec<(usize, String)>,
) -> Result<(), String> {
    let word = |index: usize| {
        words
            .get(index)
            .filter(|_| (from..to).contains(&index))
            .map(|placed| placed.word)
    };
    let mut slices = Vec::new();
    let mut mark = |first: usize, end: usize| {
        let operand = &words[first..end];
        let is_literal = matches!(operand, [one] if matches!(one.word, Word::Text(_)) || matches!(one.word, Word::Name(name) if is_number(name)));
        // What is no value must not become one.
        let is_value = operand.first().is_some_and(|first| match first.word {
            Word::Symbol(symbol) => matches!(symbol, '(' | '[' | '{' | '-'),
            Word::Name(_) | Word::Text(_) => true,
            Word::Block | Word::Edge => false,
        });
        if !is_value || !is_value_end(operand[operand.len() - 1].word) {
            return;
        }
        if let (Some(first), Some(last), false) = (operand.first(), operand.last(), is_literal) {
            pieces.push((first.start, "(".into()));
            pieces.push((last.end, format!(")|{LOOKED_AT}")));
        }
    };
    let mut is_loop = is_for;
    for index in from..to {
        let has_left = index > from && is_value_end(words[index - 1].word);
        match words[index].word {
            Word::Symbol('~' | '+') if has_left => {
                mark(operand_start(&words[from..index]) + from, index);
                mark(index + 1, operand_end(&words[index + 1..to]) + index + 1);
            }
            Word::Symbol('=' | '!' | '<' | '>') if has_left => {
                let is_double = word(index + 1) == Some(Word::Symbol('='));
                let is_assignment = words[index].word == Word::Symbol('=') && !is_double;
                if !is_assignment {
                    let right = index + 1 + usize::from(is_double);
                    mark(operand_start(&words[from..index]) + from, index);
                    mark(right, operand_end(&words[right..to]) + right);
                }
            }
            Word::Name("in") => {
                let is_negated = index > from && words[index - 1].word == Word::Name("not");
                let left = index - usize::from(is_negated);
                // A test, which counts itself.
                if left > from && words[left - 1].word == Word::Name("is") {
                    continue;
                }
                if !is_loop && left > from {
                    mark(operand_start(&words[from..left]) + from, left);
                }
                is_loop = false;
                mark(index + 1, operand_end(&words[index + 1..to]) + index + 1);
            }
            Word::Symbol('[') if has_left => {
                let end = closing(&words[..to], index);
                let mut depth = 0_i32;
                let is_slice = words[index..end].iter().any(|placed| {
                    match placed.word {
                        Word::Symbol('(' | '[' | '{') => depth += 1,
                        Word::Symbol(')' | ']' | '}') => depth -= 1,
                        _ => {}
                    }
                    depth == 1 && placed.word == Word::Symbol(':')
                });
                if is_slice {
                    let first = operand_start(&words[from..index]) + from;
                    slices.push((words[first].start, "((".into()));
                    slices.push((words[index - 1].end, format!(")|{LOOKED_AT})")));
                }
            }
            Word::Name("changed") if index > from && words[index - 1].word == Word::Symbol('.') => {
                return Err(
                    "uses `loop.changed`; compare with the value before, kept by `{% set %}` in a namespace"
                        .into(),
                );
            }
            _ => {}
        }
    }
    pieces.append(&mut slices);
    Ok(())
}

/// Where the value ends that begins with the first of these words.
fn operand_end(words: &[Placed<'_>]) -> usize {
    let word = |index: usize| words.get(index).map(|placed| placed.word);
    let mut end = 0;
    while word(end) == Some(Word::Symbol('-')) {
        end += 1;
    }
    loop {
        end = match word(end) {
            Some(Word::Symbol('(' | '[' | '{')) => closing(words, end) + 1,
            Some(_) => end + 1,
            None => return words.len(),
        };
        match word(end) {
            Some(Word::Symbol('.' | '|')) => end += 1,
            Some(Word::Symbol('(' | '[')) => {}
            _ => return end.min(words.len()),
        }
    }
}

/// The bracket that closes the one at the place.
fn closing(words: &[Placed<'_>], place: usize) -> usize {
    let mut depth = 0_i32;
    let found = words[place..].iter().position(|placed| {
        match placed.word {
            Word::Symbol('(' | '[' | '{') => depth += 1,
            Word::Symbol(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    found.map_or(words.len(), |found| place + found)
}

/// Where the value begins that ends with the last of these words.
fn operand_start(words: &[Placed<'_>]) -> usize {
    let mut start = words.len();
    while start > 0 {
        start = match words[start - 1].word {
            Word::Symbol(')' | ']' | '}') => opening(&words[..start]),
            _ => start - 1,
        };
        let before = start.checked_sub(1).map(|before| words[before].word);
        match (before, words[start].word) {
            (Some(Word::Symbol('.' | '|')), _) => start -= 1,
            // A call, the arguments of a filter, a subscript.
            (Some(before), Word::Symbol('(' | '[')) if is_value_end(before) => {}
            _ => break,
        }
    }
    start
}

/// The bracket that the last of these words closes.
fn opening(words: &[Placed<'_>]) -> usize {
    let mut depth = 0_i32;
    let found = words.iter().rposition(|placed| {
        match placed.word {
            Word::Symbol(')' | ']' | '}') => depth += 1,
            Word::Symbol('(' | '[' | '{') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    found.unwrap_or_default()
}

fn is_value_end(word: Word<'_>) -> bool {
    match word {
        Word::Name(name) => !KEYWORDS.contains(&name),
        Word::Text(_) | Word::Symbol(')' | ']' | '}') => true,
        Word::Symbol(_) | Word::Block | Word::Edge => false,
    }
}

fn is_number(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use mcp_common::bounds::Bounds;

    fn bounded(source: &str) -> Result<String, String> {
        super::bounded(source, Bounds::default().template_tag_words)
    }

    #[test]
    fn kept_values_and_products_pass_their_bounds() {
        for (source, expected) in [
            ("a {{ b }} d", "a {{ b }} d"),
            ("{{ b ~ 'c' }}", "{{ (b)|dynmcp_looked_at ~ 'c' }}"),
            (
                "{% for a in b %}{% if a not in c[1:] %}",
                "{% for a in (b)|dynmcp_looked_at %}{% if (a)|dynmcp_looked_at not in (((c)|dynmcp_looked_at)[1:])|dynmcp_looked_at %}",
            ),
            ("{{ a is in(b) and c(d=1)[e] }}", "{{ a is in(b) and c(d=1)[e] }}"),
            (
                "{% if a.b|f >= 1 and c is defined -%}",
                "{% if (a.b|f)|dynmcp_looked_at >= 1 and c is defined -%}",
            ),
            ("{% set x = data['a'].b %}", "{% set x = data['a'].b %}"),
            (
                "{% set x = x ~ x -%}",
                "{% set x = ((x)|dynmcp_looked_at ~ (x)|dynmcp_looked_at)|dynmcp_bounded -%}",
            ),
            (
                "{%- set n.x = [n.x] %}",
                "{%- set n.x = ([n.x])|dynmcp_bounded %}",
            ),
            ("{% set x = f(a=1) %}", "{% set x = f(a=1) %}"),
            ("{{ 2 ** 3 }}{{ f(*a) }}", "{{ 2 ** 3 }}{{ f(*a) }}"),
            ("{{ 2 * 3 }}", "{{ 2 * 3 }}"),
            ("{{ a.b * 2 }}", "{{ (a.b)|dynmcp_number * 2 }}"),
            (
                "{{ 1 + x|default('2')|int * f(y)[0] }}",
                "{{ 1 + ((x|default('2')|int)|dynmcp_number)|dynmcp_looked_at * (f(y)[0])|dynmcp_number }}",
            ),
            (
                "{% if (a * b) * c %}",
                "{% if (((a)|dynmcp_number * (b)|dynmcp_number))|dynmcp_number * (c)|dynmcp_number %}",
            ),
        ] {
            assert_eq!(bounded(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_collects_text_is_refused() {
        for source in [
            "{% set x %}a{% endset %}",
            "{% filter upper %}a{% endfilter %}",
            "{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
            "{% with a = b ~ b, c = a ~ a %}{{ c }}{% endwith %}",
        ] {
            assert!(bounded(source).is_err(), "{source}");
        }
        assert!(bounded("{% with a = b, c = d.e %}{{ a }}{% endwith %}").is_ok());
        let many = format!("{{{{ a{} }}}}", " ~ a".repeat(100));
        assert!(bounded(&many).is_err());
        let list = format!("{{{{ a in [{}] }}}}", "'AT', ".repeat(100));
        assert!(bounded(&list).is_ok(), "a list of texts is no growth");
    }

    #[test]
    fn sums_and_products_are_what_they_were() {
        let mut environment = minijinja::Environment::new();
        crate::tool::template::bounded::install(&mut environment);
        let names = minijinja::context! { a => minijinja::context! { b => 3, l => [4, 5], f => 1.5 } };
        let run = |source: &str| environment.render_str(&bounded(source).unwrap(), &names);
        for (expression, expected) in [
            ("1 + a.b * 2", "7"),
            ("-a.b * -2 * a.b", "18"),
            ("(a.b + 1) * (2 - a.b)", "-4"),
            ("a.l[1] * a.l[0] ** 2", "80"),
            ("a.f * 2 / a.b", "1.0"),
            ("a.none | default(2) * a.b", "6"),
            ("2 * a['none'] | default(4)", "8"),
            ("[a.b * 2, {'x': a.b * 3}]", "[6,{\"x\":9}]"),
            (
                "170141183460469231731687303715884105727 * 1",
                "170141183460469231731687303715884105727",
            ),
        ] {
            let source = format!("{{{{ {expression} }}}}");
            assert_eq!(run(&source).unwrap(), expected, "{expression}");
            let kept = format!("{{% set x = {expression} %}}{{{{ x }}}}");
            assert_eq!(run(&kept).unwrap(), expected, "{kept}");
        }
        for refused in ["a.l * 2", "2 * a.l", "'x' * 2", "2 * ('x' ~ 'y')", "a.b * 'x'"] {
            assert!(run(&format!("{{{{ {refused} }}}}")).is_err(), "{refused}");
        }
    }

    proptest::proptest! {
        /// Templates come here before anybody knows that they are some.
        #[test]
        fn nothing_makes_it_panic(parts in proptest::collection::vec("(\\{\\{|\\}\\}|\\{%|%\\}|set |filter |with |[-a=~+*|.,()\\[\\]{}'\"\u{3000}üx1 ]){0,6}", 0..8)) {
            let source = parts.concat();
            let _ = bounded(&source);
            let _ = super::super::caller::claims(&source);
        }
    }
}
