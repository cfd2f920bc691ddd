//! An explanation for people at a terminal.

mod answer;
mod table;

use super::{
    EgressVerdict, ExplainedTarget, Explanation, Limit, LimitsInEffect, Placement, SetBy, ShownBody,
    ShownRequest, telling,
};
use std::fmt;
use table::Table;

/// A longer curl line is for programs; people find it in the JSON.
const MOST_CURL: usize = 4 << 10;
/// How much of a body a terminal shows.
const MOST_BODY: usize = 4 << 10;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.request, self.target) {
            (Some(request), _) => write!(f, "{request}")?,
            (None, ExplainedTarget::Http) => writeln!(
                f,
                "{} {}\n  cannot be made of these arguments",
                self.method.as_deref().unwrap_or_default(),
                self.endpoint.as_deref().unwrap_or_default()
            )?,
            (None, ExplainedTarget::Static) => {
                writeln!(f, "Nothing is sent: the definition holds the answer (static)")?;
            }
        }
        if let Some(upstream) = &self.upstream {
            match upstream.endpoints.is_empty() {
                true => writeln!(f, "\nOf the upstream {}, which is not there", upstream.id)?,
                false => writeln!(
                    f,
                    "\nAt the upstream {}: {}",
                    upstream.id,
                    upstream.endpoints.join(", ")
                )?,
            }
        }
        if let Some(instance) = &self.instance {
            writeln!(f, "\nThrough the instance {instance}")?;
        }
        if !self.problems.is_empty() {
            let not_done = match self.target {
                ExplainedTarget::Http => "sent",
                ExplainedTarget::Static => "answered",
            };
            writeln!(f, "\nProblems: a call with these arguments is not {not_done}")?;
            let mut table = Table::default();
            for problem in &self.problems {
                table.row([problem.path.clone(), problem.reason.clone()]);
            }
            write!(f, "{table}")?;
        }
        if let Some(curl) = &self.curl {
            writeln!(f, "\nAs a command")?;
            if curl.line.len() > MOST_CURL {
                let size = curl.line.len();
                writeln!(f, "  has {size} bytes; --format json has it in `curl.line`")?;
            } else {
                // At the margin: spaces before would be spaces inside of quoted texts of several lines.
                writeln!(f, "{}", curl.line)?;
            }
            let mut table = Table::default();
            for variable in &curl.variables {
                let set = variable.set.clone().unwrap_or_default();
                table.row([format!("${}", variable.name), variable.from.clone(), set]);
            }
            write!(f, "{table}")?;
            if let Some(note) = &curl.note {
                writeln!(f, "  {note}")?;
            }
        }
        if !self.placements.is_empty() {
            writeln!(f, "\nWhat went where")?;
            let mut table = Table::default();
            self.placements
                .iter()
                .for_each(|placement| table.row(columns(placement)));
            write!(f, "{table}")?;
        }
        if let Some(limits) = &self.limits {
            write!(f, "\n{limits}")?;
        }
        if let Some(egress) = &self.egress {
            write!(f, "{egress}")?;
        }
        if let Some(answer) = &self.answer {
            write!(f, "\n{answer}")?;
        }
        match &self.sent {
            Some(sent) => write!(f, "\n{sent}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for EgressVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.addresses.join(", ");
        let reason = self.reason.as_deref().unwrap_or_default();
        match self.allowed {
            Some(true) => writeln!(f, "Egress: {} may be called ({addresses})", self.host)?,
            Some(false) => writeln!(f, "Egress: {} is NOT called: {reason}", self.host)?,
            None => writeln!(f, "Egress: {}: {reason}", self.host)?,
        }
        match &self.own {
            Some(own) => writeln!(f, "  {own}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ShownRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.url)?;
        for header in &self.headers {
            writeln!(f, "  {}: {}", header.name, header.value)?;
        }
        match &self.body {
            Some(body) if body.bytes > 0 => write!(f, "\n{body}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ShownBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            writeln!(f, "  -- {}", part.headers.join("; "))?;
            match &part.text {
                Some(text) => indented(f, text)?,
                None => writeln!(f, "  ({} bytes that are no text)", part.bytes)?,
            }
        }
        match &self.text {
            Some(text) => indented(f, text)?,
            None if self.parts.is_empty() => writeln!(f, "  ({} bytes that are no text)", self.bytes)?,
            None => {}
        }
        Ok(())
    }
}

/// Two columns in, and not more of it than people look at.
fn indented(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let shown = &text[..text.floor_char_boundary(MOST_BODY)];
    for line in shown.lines() {
        writeln!(f, "  {}", printable(line))?;
    }
    if shown.len() < text.len() {
        writeln!(f, "  … ({} of {} bytes are shown)", shown.len(), text.len())?;
    }
    Ok(())
}

/// What the other side sent must not move the cursor of a terminal.
fn printable(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(plain).collect()
}

/// The columns: from, to, as written, by which rule.
fn columns(placement: &Placement) -> [String; 4] {
    let source = placement.source.as_str();
    let from = match placement.arguments.join(" ") {
        arguments if arguments.is_empty() => format!("({source})"),
        arguments => arguments,
    };
    let from = match &placement.given_by {
        Some(given_by) => format!("{from} [{given_by}]"),
        None => from,
    };
    let place = placement.place.map_or("", super::Part::as_str);
    let name = if placement.left_out.is_some() {
        "not sent".to_owned()
    } else {
        format!("{place} {}", placement.name)
    };
    let written = match (&placement.written, &placement.left_out) {
        (_, Some(reason)) => reason.clone(),
        (Some(written), _) => short(written),
        (None, None) => telling::HIDDEN.to_owned(),
    };
    let rule = placement
        .rule
        .strip_prefix("tds_ext_info.")
        .unwrap_or(&placement.rule);
    let style = placement
        .style
        .as_deref()
        .map(|style| format!(" ({style})"))
        .unwrap_or_default();
    [
        from,
        name.trim_end().to_owned(),
        written,
        format!("{rule}{style}"),
    ]
}

fn short(text: &str) -> String {
    const MOST: usize = 40;
    let line = printable(&text.replace(['\n', '\r'], " "));
    if line.chars().count() <= MOST {
        return line;
    }
    line.chars().take(MOST - 1).chain(['…']).collect()
}

impl fmt::Display for LimitsInEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |limit: Limit| format!("{} ms{}", limit.value, own(limit));
        let size = |limit: Limit| format!("{}{}", bytes(limit.value), own(limit));
        write!(
            f,
            "Limits: {} in all, {} to connect, {} out, {} in, {} of it for the client",
            ms(self.timeout_ms),
            ms(self.connect_timeout_ms),
            size(self.max_request_bytes),
            size(self.max_response_bytes),
            size(self.max_result_bytes)
        )?;
        if let Some(places) = self.concurrency {
            write!(f, ", {places} calls at once")?;
        }
        match &self.retry {
            None => write!(f, "; sent once")?,
            Some(retry) => {
                let on = retry.on.join(", ");
                write!(f, "; sent again up to {} times after {on}", retry.max)?;
            }
        }
        match self.redirects {
            0 => writeln!(f, ", no redirects"),
            most => writeln!(f, ", up to {most} redirects"),
        }
    }
}

/// What the definition says is marked: the rest is the same for all tools.
fn own(limit: Limit) -> &'static str {
    match limit.set_by {
        SetBy::Definition => " (definition)",
        SetBy::Gateway => "",
    }
}

fn bytes(count: u64) -> String {
    match count {
        _ if count >= 1 << 20 && count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        _ if count >= 1 << 10 && count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        _ => format!("{count} bytes"),
    }
}
