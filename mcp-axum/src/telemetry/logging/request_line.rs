//! The one line per request is on the way of every call, so it has a format of its own: no look-ups, no allocation,
//! one pass over the fields. Everything else is formatted by the library.

use std::fmt;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// The target that requests of clients are logged under.
pub(super) const TARGET: &str = "dynmcp::request";
/// The same of operators.
const OPERATORS: &str = "dynmcp::admin";

/// Formats request lines itself and hands the rest on.
pub(super) struct WithRequestLine<F> {
    pub(super) other: F,
    pub(super) json: bool,
}

impl<S, N, F> FormatEvent<S, N> for WithRequestLine<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let target = metadata.target();
        if ![TARGET, OPERATORS].contains(&target) {
            return self.other.format_event(context, line, event);
        }
        if self.json {
            line.write_str("{\"timestamp\":\"")?;
            SystemTime.format_time(&mut line)?;
            line.write_str("\",\"level\":\"INFO\",\"target\":\"")?;
            line.write_str(target)?;
            line.write_str("\"")?;
        } else {
            SystemTime.format_time(&mut line)?;
            line.write_str("  INFO ")?;
            line.write_str(target)?;
            line.write_str(":")?;
        }
        let mut fields = Fields {
            line: &mut line,
            json: self.json,
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        line.write_str(if self.json { "}\n" } else { "\n" })
    }
}

struct Fields<'a, 'line> {
    line: &'a mut Writer<'line>,
    json: bool,
    result: fmt::Result,
}

impl Fields<'_, '_> {
    fn name(&mut self, field: &Field) -> fmt::Result {
        let (before, after) = if self.json { (",\"", "\":") } else { (" ", "=") };
        self.line.write_str(before)?;
        self.line.write_str(field.name())?;
        self.line.write_str(after)
    }

    fn bare(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.result = self
            .result
            .and_then(|()| self.name(field))
            .and_then(|()| self.line.write_fmt(value));
    }

    fn text(&mut self, field: &Field, text: &str) -> fmt::Result {
        self.name(field)?;
        // Ids and names are plain by rule; anything else is escaped, so that nobody can write lines of their own.
        let is_plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        match (is_plain, self.json) {
            (true, false) if !text.is_empty() => self.line.write_str(text),
            (true, _) => {
                self.line.write_char('"')?;
                self.line.write_str(text)?;
                self.line.write_char('"')
            }
            (false, _) => self.line.write_str(&serde_json::Value::from(text).to_string()),
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.result = self.result.and_then(|()| self.text(field, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.record_str(field, &text);
    }
}

#[cfg(test)]
mod tests;
