//! Where templates behave otherwise than usual: filters whose result can be far larger than what goes in have bounds,
//! since arguments come from clients; and values print as the JSON they are (`true`, not `True`).

use minijinja::{Environment, Error, ErrorKind, Output, State, Value, value::ValueKind};

/// More than any header or query parameter takes.
const MAX_BYTES: usize = 64 << 10;

/// Replaces or takes out the filters that grow.
pub(super) fn install(environment: &mut Environment<'_>) {
    environment.remove_filter("indent");
    environment.remove_filter("format");
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.set_formatter(print);
}

fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match json(value) {
        Some(json) => minijinja::escape_formatter(out, state, &Value::from(json)),
        None => minijinja::escape_formatter(out, state, value),
    }
}

/// The JSON text of what the template language would print in a way of its own.
fn json(value: &Value) -> Option<String> {
    let is_own = matches!(
        value.kind(),
        ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map
    );
    if is_own {
        serde_json::to_string(value).ok()
    } else {
        None
    }
}

fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let grown = text.matches(&from).count().saturating_mul(to.len());
    if grown.saturating_add(text.len()) > MAX_BYTES {
        return Err(too_large());
    }
    Ok(text.replace(&from, &to))
}

fn join(value: Value, between: Option<String>) -> Result<String, Error> {
    let between = between.unwrap_or_default();
    let mut out = String::new();
    for (index, item) in value.try_iter()?.enumerate() {
        if index > 0 {
            out.push_str(&between);
        }
        out.push_str(&json(&item).unwrap_or_else(|| item.to_string()));
        if out.len() > MAX_BYTES {
            return Err(too_large());
        }
    }
    Ok(out)
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!("the result is larger than {MAX_BYTES} bytes"),
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
