//! TOML: one document, or arrays of tables `[[tds]]` and `[[ids]]`.

use super::{
    Fault, Piece, line_at, scalar,
    value::{self, Node, Value},
};
use std::rc::Rc;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Fault::new(
            line_at(text.as_bytes(), at),
            format!("no valid TOML: {}", error.message()),
        )
    })?;
    let root = map(text, 1, table.get_ref())?;
    value::pieces(&Rc::new(root))
}

fn map(text: &str, line: usize, table: &DeTable<'_>) -> Result<Node, Fault> {
    // The parser sorts; a reader of the definitions wants them as they were written.
    let mut members: Vec<_> = table.iter().collect();
    members.sort_by_key(|(name, _)| name.span().start);
    let members = members
        .into_iter()
        .map(|(name, value)| Ok((name.get_ref().to_string(), Rc::new(node(text, value)?))));
    Ok(Node {
        line,
        value: Value::Map(members.collect::<Result<_, Fault>>()?),
    })
}

fn node(text: &str, value: &Spanned<DeValue<'_>>) -> Result<Node, Fault> {
    let line = line_at(text.as_bytes(), value.span().start);
    let literal = |json: String| Value::Literal(json);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => literal(flag.to_string()),
        DeValue::Datetime(datetime) => Value::Text(datetime.to_string()),
        DeValue::Integer(number) => {
            let json = match number.radix() {
                10 => scalar::decimal(number.as_str()),
                radix => scalar::radix(number.as_str(), radix),
            };
            literal(json.ok_or_else(|| Fault::new(line, format!("{number} is too large a number")))?)
        }
        DeValue::Float(number) => literal(scalar::decimal(number.as_str()).ok_or_else(|| {
            Fault::new(
                line,
                format!("{number} is a number that JSON does not have; write a text"),
            )
        })?),
        DeValue::Array(elements) => {
            let elements = elements.iter().map(|element| Ok(Rc::new(node(text, element)?)));
            Value::List(elements.collect::<Result<_, Fault>>()?)
        }
        DeValue::Table(table) => return map(text, line, table),
    };
    Ok(Node { line, value })
}
