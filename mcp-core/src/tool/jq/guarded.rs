//! Native filters whose cost is known from their input and arguments together. They have other names inside, and their
//! own stand for definitions that take the cost from the budget first.

use super::budget::{PAIR, READ, SCAN};
use jaq_core::{
    Native,
    load::parse::{BinaryOp, Def, Term},
    native::Fun,
};

struct Guarded {
    name: &'static str,
    /// The name as it is called inside.
    native: &'static str,
    arguments: &'static [&'static str],
    /// Stands before it and sees the input and the first argument.
    guard: &'static str,
}

const GUARDED: [Guarded; 6] = [
    guarded("fromjson", "!fromjson", &[], READ),
    guarded("contains", "!contains", &["$a"], PAIR),
    guarded("indices", "!indices", &["$a"], PAIR),
    guarded("matches", "!matches", &["$a", "$b"], SCAN),
    guarded("split_matches", "!split_matches", &["$a", "$b"], SCAN),
    guarded("split_", "!split_", &["$a", "$b"], SCAN),
];

const fn guarded(
    name: &'static str,
    native: &'static str,
    arguments: &'static [&'static str],
    guard: &'static str,
) -> Guarded {
    Guarded {
        name,
        native,
        arguments,
        guard,
    }
}

/// The filter under its name inside.
pub(super) fn renamed<D: jaq_core::DataT>(
    (name, arity, native): Fun<D>,
) -> (&'static str, Box<[jaq_core::Bind]>, Native<D>) {
    let inner = GUARDED.iter().find(|guarded| guarded.name == name);
    (inner.map_or(name, |guarded| guarded.native), arity, native)
}

/// What stands for them.
pub(super) fn defs() -> impl Iterator<Item = Def<&'static str>> {
    GUARDED.iter().map(|guarded| {
        let arguments = |count| {
            guarded
                .arguments
                .iter()
                .take(count)
                .map(|name| Term::Var(*name))
                .collect()
        };
        let guard = Term::Call(guarded.guard, arguments(1));
        let native = Term::Call(guarded.native, arguments(2));
        Def {
            name: guarded.name,
            args: guarded.arguments.to_vec(),
            body: Term::BinOp(Box::new(guard), BinaryOp::Pipe(None), Box::new(native)),
        }
    })
}
