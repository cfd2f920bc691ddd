//! TOML: one document, or arrays of tables that are called like the kinds (`[[tds]]`, `[[ids]]`, …).

use super::{
    Fault, Piece,
    lines::Lines,
    scalar,
    value::{self, Node, Value},
};
use std::rc::Rc;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let lines = Lines::of(text.as_bytes());
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Fault::new(lines.at(at), format!("no valid TOML: {}", error.message()))
    })?;
    let root = map(&lines, 1, table.get_ref())?;
    value::pieces(&Rc::new(root))
}

fn map(lines: &Lines, line: usize, table: &DeTable<'_>) -> Result<Node, Fault> {
    // The parser sorts; a reader of the definitions wants them as they were written.
    let mut members: Vec<_> = table.iter().collect();
    members.sort_by_key(|(name, _)| name.span().start);
    let members = members
        .into_iter()
        .map(|(name, value)| Ok((name.get_ref().to_string(), Rc::new(node(lines, value)?))));
    Ok(Node {
        line,
        value: Value::Map(members.collect::<Result<_, Fault>>()?),
    })
}

fn node(lines: &Lines, value: &Spanned<DeValue<'_>>) -> Result<Node, Fault> {
    let line = lines.at(value.span().start);
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
            let elements = elements.iter().map(|element| Ok(Rc::new(node(lines, element)?)));
            Value::List(elements.collect::<Result<_, Fault>>()?)
        }
        DeValue::Table(table) => return map(lines, line, table),
    };
    Ok(Node { line, value })
}
