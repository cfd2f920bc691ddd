//! Where templates behave otherwise than usual: filters whose result can be far larger than what goes in have bounds,
//! since arguments come from clients; and values print as the JSON they are (`true`, not `True`).

use super::{Bounded, growth, work};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value, filters, value::ValueKind};

/// More than any header or query parameter takes.
const MAX_BYTES: usize = 64 << 10;
/// What a value that is kept under a name may take, and the JSON of a value in a text.
const MAX_KEPT: usize = 8 << 20;
/// What an item takes beside its text.
const ITEM: usize = 24;
/// Deeper values are not kept.
const MAX_DEPTH: usize = 128;
/// Into how many parts a list may be cut, or how long each may be.
const MAX_PARTS: usize = 10_000;

/// Replaces or takes out the filters that grow.
pub(super) fn install(environment: &mut Environment<'_>) {
    work::install(environment);
    environment.remove_filter("indent");
    environment.remove_filter("format");
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.add_filter(
        "batch",
        |state: &mut State<'_, '_>, list: Value, count: usize, fill: Option<Value>| {
            work::look_at(state, std::slice::from_ref(&list), 1)?;
            parts(count).and_then(|count| filters::batch(state, list, count, fill))
        },
    );
    environment.add_filter(
        "slice",
        |state: &mut State<'_, '_>, list: Value, count: usize, fill: Option<Value>| {
            work::look_at(state, std::slice::from_ref(&list), 1)?;
            parts(count).and_then(|count| filters::slice(state, list, count, fill))
        },
    );
    environment.add_filter(growth::BOUNDED, kept);
    environment.add_filter(growth::NUMBER, number);
    environment.set_formatter(print);
}

fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    // Texts end where the result does.
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Map) {
        work::look_at(state, std::slice::from_ref(value), 1)?;
    }
    match json(value)? {
        Some(json) => minijinja::escape_formatter(out, state, &Value::from(json)),
        None => minijinja::escape_formatter(out, state, value),
    }
}

/// The JSON text of what the template language would print in a way of its own.
fn json(value: &Value) -> Result<Option<String>, Error> {
    let is_own = matches!(
        value.kind(),
        ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map
    );
    if !is_own {
        return Ok(None);
    }
    let mut out = Bounded::new(MAX_KEPT);
    let written = serde_json::to_writer(&mut out, value);
    if out.is_full() {
        return Err(too_large(MAX_KEPT));
    }
    Ok(written.ok().and_then(|()| String::from_utf8(out.text).ok()))
}

fn parts(count: usize) -> Result<usize, Error> {
    match count > MAX_PARTS {
        true => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("makes more than {MAX_PARTS} parts"),
        )),
        false => Ok(count),
    }
}

/// Checks a factor: how often a text or a list is repeated would be for a client to say.
fn number(value: Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Seq | ValueKind::Iterable | ValueKind::Bytes => Err(Error::new(
            ErrorKind::InvalidOperation,
            "only numbers can be multiplied",
        )),
        _ => Ok(value),
    }
}

/// Checks a value that is given a name.
fn kept(state: &mut State<'_, '_>, value: Value) -> Result<Value, Error> {
    work::look_at(state, std::slice::from_ref(&value), 1)?;
    let mut left = MAX_KEPT;
    weigh(&value, &mut left, 0)?;
    Ok(value)
}

/// Takes what the value would be as text: what stands in it several times may lie in memory once.
fn weigh(value: &Value, left: &mut usize, depth: usize) -> Result<(), Error> {
    let text = value.as_str().map_or(0, str::len);
    *left = left
        .checked_sub(text + ITEM)
        .filter(|_| depth < MAX_DEPTH)
        .ok_or_else(|| too_large(MAX_KEPT))?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            for item in value.try_iter()? {
                weigh(&item, left, depth + 1)?;
            }
        }
        ValueKind::Map => {
            for name in value.try_iter()? {
                weigh(&name, left, depth + 1)?;
                weigh(&value.get_item(&name)?, left, depth + 1)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn replace(state: &mut State<'_, '_>, text: String, from: String, to: String) -> Result<String, Error> {
    for part in [&text, &from, &to] {
        work::look_at(state, &[Value::from(part.as_str())], 1)?;
    }
    let grown = text.matches(&from).count().saturating_mul(to.len());
    if grown.saturating_add(text.len()) > MAX_BYTES {
        return Err(too_large(MAX_BYTES));
    }
    Ok(text.replace(&from, &to))
}

fn join(state: &mut State<'_, '_>, value: Value, between: Option<String>) -> Result<String, Error> {
    work::look_at(state, std::slice::from_ref(&value), 1)?;
    let between = between.unwrap_or_default();
    let mut out = String::new();
    for (index, item) in value.try_iter()?.enumerate() {
        if index > 0 {
            out.push_str(&between);
        }
        out.push_str(&json(&item)?.unwrap_or_else(|| item.to_string()));
        if out.len() > MAX_BYTES {
            return Err(too_large(MAX_BYTES));
        }
    }
    Ok(out)
}

fn too_large(most: usize) -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!("the result is larger than {most} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;

    #[test]
    fn small_results_are_as_ever_and_large_ones_refused() {
        let mut environment = Environment::new();
        super::install(&mut environment);
        let run = |source: &str| environment.render_str(source, ());
        assert_eq!(run("{{ 'a-b-c' | replace('-', '') }}").unwrap(), "abc");
        assert_eq!(run("{{ [1, 'x', true] | join(', ') }}").unwrap(), "1, x, true");
        assert_eq!(
            run("{{ true }} {{ none }} {{ [true, 'a'] }} {{ 1.5 }} {{ 'x' }}").unwrap(),
            "true null [true,\"a\"] 1.5 x"
        );
        assert_eq!(run("{{ [1, 2] | join }}").unwrap(), "12");
        assert!(run("{{ ('x' * 1000) | replace('x', 'y' * 1000) }}").is_err());
        assert!(run("{{ range(1000) | join('y' * 1000) }}").is_err());
    }
}
