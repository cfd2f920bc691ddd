//! jq programs: compiled with the definition, bounded in steps, time, depth and size.

mod bounded;
mod budget;
mod depth;
mod guarded;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod tests;

use crate::stack;
use bounded::bounded;
use budget::{Budget, Environment, Jq};
use jaq_core::{
    Compiler, Ctx, Vars,
    load::{
        self, Arena, File, Loader,
        parse::{Def, Term},
    },
};
use jaq_json::{Val, write};
use mcp_common::bounds::{Bounds, Exceeded};
use serde_json::value::RawValue;
use std::fmt;

/// Deeper JSON is not worked on.
const MAX_DEPTH: usize = 256;
/// Longer numbers are not worked on.
const MAX_DIGITS: usize = 4_096;
/// The written program, as a filter.
const MAIN: &str = "dynmcp__main";
/// What a program must not do: end the process, read its environment, write to its log, read other input.
const FORBIDDEN: [&str; 11] = [
    "env",
    "halt",
    "halt_error",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "input",
    "inputs",
    "input_line_number",
    "strflocaltime",
];

/// A longer text is not worked on in a short run: reading it takes its time already.
const SHORT_INPUT: usize = 128 << 10;

/// What a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// A few milliseconds.
    Short,
    /// A million steps, or three seconds.
    Full,
}

/// Why a run has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A short run is not enough.
    Long,
    /// The program or the value is wrong, or the run takes too much.
    Failed(String),
}

/// A compiled program.
pub(crate) struct Program {
    /// The text for processes, which compile it themselves.
    text: Box<str>,
    filter: jaq_core::Filter<Jq>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

impl Program {
    /// Compiles, or says what is wrong with the program or which bound it exceeds.
    pub(crate) fn compile(code: &str, bounds: &Bounds) -> Result<Self, String> {
        let of = |exceeded: Exceeded| exceeded.to_string();
        bounds.jq_bytes.check(code.len()).map_err(of)?;
        stack::with_room_for(code.len(), || {
            let body = load::parse(code, |parser| parser.term()).ok_or_else(|| syntax(code))?;
            bounds.jq_depth.check(depth::of(&body)).map_err(of)?;
            let filter = filter(body)?;
            let text = code.into();
            Ok(Self { text, filter })
        })
    }

    /// The program as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Runs over a JSON text. One output is the result; several become an array. The result is JSON text of at most
    /// `limit` bytes.
    pub(crate) fn run(&self, json: &str, limit: usize, effort: Effort) -> Result<String, Ended> {
        if effort == Effort::Short && json.len() > SHORT_INPUT {
            return Err(Ended::Long);
        }
        let budget = Budget::new(effort);
        let result = self.run_within(&budget, json, limit);
        match budget.is_long() {
            true => Err(Ended::Long),
            false => result.map_err(Ended::Failed),
        }
    }

    fn run_within(&self, budget: &Budget, json: &str, limit: usize) -> Result<String, String> {
        readable(json.as_bytes()).map_err(|reason| format!("works on an answer that {reason}"))?;
        let input = jaq_json::read::parse_single(json.as_bytes()).map_err(|error| error.to_string())?;
        let environment = Environment {
            lut: &self.filter.lut,
            budget,
        };
        let context = Ctx::<Jq>::new(environment, Vars::new([]));
        let mut outputs = Vec::new();
        let mut size = 0;
        for output in self.filter.id.run((context, input)) {
            let output = output.map_err(|exception| match (budget.exceeded(), exception.get_err()) {
                (Some(reason), _) => reason.to_owned(),
                (None, Ok(error)) => format!("failed: {error}"),
                (None, Err(_)) => "ended without a value".to_owned(),
            })?;
            let text = print(&output, budget, limit - size)?;
            size += text.len() + 1;
            if size > limit {
                return Err(format!("gives more than {limit} bytes"));
            }
            outputs.push(text);
        }
        match outputs.len() {
            0 => Err("gave no value".to_owned()),
            1 => Ok(outputs.remove(0)),
            _ => Ok(format!("[{}]", outputs.join(","))),
        }
    }
}

/// The program with its budget.
fn filter(body: Term<&str>) -> Result<jaq_core::Filter<Jq>, String> {
    let funs = jaq_core::funs::<Jq>()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .filter(|(name, ..)| !FORBIDDEN.contains(name));
    let funs: Vec<_> = funs.map(guarded::renamed).collect();
    let natives: Vec<&str> = funs.iter().map(|(name, ..)| *name).collect();
    let prelude = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let prelude = prelude.filter(|def| !FORBIDDEN.contains(&def.name)).map(shorter);
    let main = Def {
        name: MAIN,
        args: Vec::new(),
        body,
    };
    let defs = prelude.chain([main]).map(|def| bounded(def, &natives));
    let defs = guarded::defs().map(shorter).chain(defs);
    let file = File { code: MAIN, path: () };
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, file);
    let modules = modules.map_err(|_| "cannot be loaded".to_owned())?;
    let compiler = Compiler::<_, Jq>::default().with_funs(funs.into_iter().chain(budget::funs()));
    compiler.compile(modules).map_err(|errors| {
        let unknown = errors.iter().flat_map(|(_, errors)| errors).next();
        unknown.map_or_else(String::new, |(name, kind)| {
            format!("uses the {} `{name}`, which is unknown here", kind.as_str())
        })
    })
}

/// The same, for chaining with what lives as long as the program's text.
fn shorter<'s>(def: Def<&'static str>) -> Def<&'s str> {
    def
}

fn print(value: &Val, budget: &Budget, limit: usize) -> Result<String, String> {
    budget
        .step(value)
        .and_then(|()| budget.weigh(value))
        .map_err(|_| budget.exceeded().unwrap_or_default().to_owned())?;
    let mut out = Bounded {
        text: Vec::new(),
        limit,
    };
    write::write(&mut out, &write::Pp::default(), 0, value)
        .map_err(|_| format!("gives more than {limit} bytes"))?;
    let text = String::from_utf8(out.text).map_err(|_| "gives a text that is not Unicode".to_owned())?;
    // jq has values that JSON has not: NaN, infinity, byte strings, members named by numbers.
    serde_json::from_str::<&RawValue>(&text)
        .map_err(|_| "gives a value that is not JSON (NaN, infinity, bytes)".to_owned())?;
    Ok(text)
}

/// A text that stops growing at its bound.
struct Bounded {
    text: Vec<u8>,
    limit: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether a JSON text can be read without harm: reading recurses, and takes the square of a number's digits.
fn readable(json: &[u8]) -> Result<(), &'static str> {
    let (mut depth, mut digits, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json {
        digits = match byte {
            b'0'..=b'9' if !in_text => digits + 1,
            _ => 0,
        };
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err("is nested more than 256 times");
        }
        if digits > MAX_DIGITS {
            return Err("has a number of more than 4096 digits");
        }
    }
    Ok(())
}

/// What is wrong with a program that cannot be read, and where.
fn syntax(code: &str) -> String {
    let arena = Arena::default();
    let file = File { code, path: () };
    let nothing: [Def<&str>; 0] = [];
    let Err(errors) = Loader::new(nothing).load(&arena, file) else {
        return "is not one jq filter (modules are not supported)".to_owned();
    };
    let place = |part: &str| {
        let at = load::span(code, part).start;
        if at >= code.len() {
            "at its end".to_owned()
        } else {
            format!("at character {}", code[..at].chars().count() + 1)
        }
    };
    match errors.into_iter().map(|(_, error)| error).next() {
        Some(load::Error::Lex(errors)) => errors.first().map_or_else(String::new, |(expected, found)| {
            format!("is not jq: expected {} {}", expected.as_str(), place(found))
        }),
        Some(load::Error::Parse(errors)) => errors.first().map_or_else(String::new, |(expected, found)| {
            format!("is not jq: expected {} {}", expected.as_str(), place(found))
        }),
        _ => "uses modules, which are not supported".to_owned(),
    }
}
