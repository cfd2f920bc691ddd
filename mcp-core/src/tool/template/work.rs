//! What a template may look at. The engine counts steps, and a step may sort a list, compare two texts or search one: in a
//! loop that is far more work than there are steps. So everything that goes into filters, tests and operators is counted
//! by its size, for each render anew.

use super::growth::LOOKED_AT;
use minijinja::{
    Environment, Error, ErrorKind, State, Value, filters, functions, tests as conditions,
    value::{Kwargs, Rest, ValueKind},
};

/// Bytes that one render may look at.
const MOST: usize = 32 << 20;
/// A number, or an item beside its text, counts as so many.
const ITEM: usize = 24;
/// Sorting looks at each item about so often.
const SORTED: usize = 16;
/// Deeper values are not looked at.
const MAX_DEPTH: usize = 128;

/// What is left of it.
#[derive(Debug)]
struct Left(usize);

/// Registers a filter or test of the library in a way that counts what it is given.
macro_rules! counting {
    ($environment:ident, $add:ident, $times:expr, $module:ident: $($name:literal => $function:ident),+ $(,)?) => {$({
        let by_library = Value::from_function($module::$function);
        $environment.$add($name, move |state: &mut State<'_, '_>, values: Rest<Value>, options: Kwargs| {
            let mut values = values.0;
            if options.args().next().is_some() {
                values.push(options.into());
            }
            look_at(state, &values, $times)?;
            by_library.call(state, &values)
        });
    })+};
}

/// Filters, tests and functions that count. Those that show what a template has no business with are taken out.
pub(super) fn install(environment: &mut Environment<'_>) {
    environment.remove_global("debug");
    environment.remove_filter("pprint");
    counting!(environment, add_filter, SORTED, filters:
        "sort" => sort, "unique" => unique, "dictsort" => dictsort, "groupby" => groupby);
    counting!(environment, add_filter, 1, filters:
        "escape" => escape, "e" => escape, "lower" => lower, "upper" => upper, "title" => title, "capitalize" => capitalize,
        "items" => items, "reverse" => reverse, "trim" => trim, "split" => split, "lines" => lines, "min" => min,
        "max" => max, "list" => list, "string" => string, "sum" => sum, "select" => select, "reject" => reject,
        "selectattr" => selectattr, "rejectattr" => rejectattr, "map" => map, "chain" => chain, "zip" => zip,
        "int" => int, "float" => float, "attr" => attr);
    counting!(environment, add_test, 1, conditions:
        "eq" => is_eq, "equalto" => is_eq, "==" => is_eq, "ne" => is_ne, "!=" => is_ne, "lt" => is_lt, "lessthan" => is_lt,
        "<" => is_lt, "le" => is_le, "<=" => is_le, "gt" => is_gt, "greaterthan" => is_gt, ">" => is_gt, "ge" => is_ge,
        ">=" => is_ge, "in" => is_in, "startingwith" => is_startingwith, "endingwith" => is_endingwith,
        "lower" => is_lower, "upper" => is_upper);
    environment.add_function(
        "dict",
        |state: &mut State<'_, '_>, value: Option<Value>, options: Kwargs| {
            look_at(state, value.as_slice(), 1)?;
            functions::dict(value, options)
        },
    );
    environment.add_filter(LOOKED_AT, |state: &mut State<'_, '_>, value: Value| {
        look_at(state, std::slice::from_ref(&value), 1).map(|()| value)
    });
}

/// Counts values that are about to be looked at, so many times.
pub(super) fn look_at(state: &mut State<'_, '_>, values: &[Value], times: usize) -> Result<(), Error> {
    let Left(left) = state.get_or_insert_extension(Left(MOST));
    let mut allowed = *left / times;
    let before = allowed;
    for value in values {
        weigh(value, &mut allowed, 0)?;
    }
    *left -= (before - allowed) * times;
    Ok(())
}

fn weigh(value: &Value, left: &mut usize, depth: usize) -> Result<(), Error> {
    let text = match value.kind() {
        ValueKind::String => value.as_str().map_or(0, str::len),
        ValueKind::Bytes => value.as_bytes().map_or(0, <[u8]>::len),
        _ => 0,
    };
    *left = left
        .checked_sub(text + ITEM)
        .filter(|_| depth < MAX_DEPTH)
        .ok_or_else(too_much)?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            for item in value.try_iter()? {
                weigh(&item, left, depth + 1)?;
            }
        }
        ValueKind::Map => {
            for name in value.try_iter()? {
                weigh(&value.get_item(&name)?, left, depth + 1)?;
                weigh(&name, left, depth + 1)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn too_much() -> Error {
    let reason = format!(
        "takes too much work: its filters, tests and operators look at more than {MOST} bytes in all, counted each time"
    );
    Error::new(ErrorKind::InvalidOperation, reason)
}

#[cfg(test)]
mod tests {
    use crate::tool::template::{bounded, growth};
    use mcp_common::bounds::Bounds;
    use minijinja::{Environment, UndefinedBehavior, Value};

    fn environment() -> Environment<'static> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(400_000));
        bounded::install(&mut environment);
        environment
    }

    fn run(source: &str, names: &Value) -> Result<String, String> {
        let source = growth::bounded(source, Bounds::default().template_tag_words)?;
        let rendered = environment().render_str(&source, names);
        rendered.map_err(|error| error.to_string())
    }

    #[test]
    fn no_step_looks_at_everything_again_and_again() {
        let list: Vec<Value> = (0..20_000).rev().map(Value::from).collect();
        let text = "ab".repeat(1_000_000);
        let names = minijinja::context! {
            list, other => (0..20_000).rev().collect::<Vec<i32>>(), text, same => "ab".repeat(1_000_000),
            map => (0..20_000).map(|n| (format!("m{n}"), n)).collect::<std::collections::BTreeMap<_, _>>(),
        };
        for step in [
            "{% if list | sort %}{% endif %}",
            "{% if list | unique | length > 1 %}{% endif %}",
            "{% if map | dictsort | first %}{% endif %}",
            "{% if list | map('string') | list | length %}{% endif %}",
            "{% if list | select('in', list) | list %}{% endif %}",
            "{% if list | select('eq', list) | list %}{% endif %}",
            "{% if text | upper | length %}{% endif %}",
            "{% if (text | split(same)) | length %}{% endif %}",
            "{% if text == same %}{% endif %}",
            "{% if text != same %}{% endif %}",
            "{% if list < other %}{% endif %}",
            "{% if list >= other %}{% endif %}",
            "{% if 'c' in text %}{% endif %}",
            "{% if -1 not in list %}{% endif %}",
            "{% if text is eq(same) %}{% endif %}",
            "{% if text is in([same]) %}{% endif %}",
            "{% if list[1:] %}{% endif %}",
            "{% if text[1:-1] %}{% endif %}",
            "{% if (list + other) | length %}{% endif %}",
            "{% if (text ~ same) | length %}{% endif %}",
            "{% if dict(map) %}{% endif %}",
            "{% for n in map if false %}{% endfor %}",
            "{% if list | batch(10) | first %}{% endif %}",
            "{% if list | join | length %}{% endif %}",
            "{% if text | replace('c', 'd') | length %}{% endif %}",
            "{% set x = [list] %}",
        ] {
            let source = format!(
                "{{% for i in range(9999) %}}{{% for j in range(9) %}}{step}{{% endfor %}}{{% endfor %}}"
            );
            let reason = run(&source, &names).unwrap_err();
            let is_bounded = ["too much work", "larger than", "fuel"]
                .iter()
                .any(|end| reason.contains(end));
            assert!(is_bounded, "{step}: {reason}");
        }
    }

    #[test]
    fn templates_mean_what_they_meant() {
        let names = minijinja::context! {
            a => minijinja::context! { l => [3, 1, 2], t => "Text", m => minijinja::context! { k => 1 } },
        };
        for (source, expected) in [
            (
                "{{ a.l | sort | join(',') }} {{ a.l | sort(reverse=true) | first }}",
                "1,2,3 3",
            ),
            (
                "{{ a.l[1:] }} {{ a.t[:2] }} {{ a.l[0] }} {{ a['t'][1:3] }}",
                "[1, 2] Te 3 ex",
            ),
            (
                "{{ 1 in a.l and 5 not in a.l }} {{ 'k' in a.m }} {{ 'ex' in a.t }}",
                "true true true",
            ),
            (
                "{{ a.l == [3, 1, 2] }} {{ a.t != 'Text' }} {{ a.l[1] <= 1 }} {{ 2 > a.l[0] }}",
                "true false true false",
            ),
            (
                "{{ a.none is defined }} {{ a.none | default('d') }} {{ a.none is not defined }}",
                "false d true",
            ),
            (
                "{{ a.l | select('odd') | list }} {{ a.l | select('in', [1, 2]) | list }}",
                "[3,1] [1,2]",
            ),
            (
                "{{ a.l | map('string') | join('-') }} {{ a.t | upper ~ a.t | lower }}",
                "3-1-2 TEXTtext",
            ),
            ("{% for k, v in a.m | items %}{{ k }}={{ v }}{% endfor %}", "k=1"),
            (
                "{% for x in a.l if x != 1 %}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}",
                "3,2",
            ),
            (
                "{{ 'x' if a.t == 'Text' else 'y' }} {{ -1 + a.l[0] }} {{ 1 - -a.l[0] }}",
                "x 2 4",
            ),
            (
                "{{ a.t is eq('Text') }} {{ a.l | length == 3 }} {{ dict(a.m).k }}",
                "true true 1",
            ),
            (
                "{% set x = a.t ~ '!' %}{{ x }}{{ {'b': a.l}.b[1:] }}{{ a.t | replace('T', 't') }}",
                "Text![1, 2]text",
            ),
        ] {
            assert_eq!(run(source, &names).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn nothing_shows_what_lies_inside() {
        for source in ["{{ debug() }}", "{{ 1 | pprint }}"] {
            assert!(run(source, &Value::UNDEFINED).is_err(), "{source}");
        }
        let environment = environment();
        let names: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
        assert_eq!(names, ["dict", "namespace", "range"]);
    }
}
