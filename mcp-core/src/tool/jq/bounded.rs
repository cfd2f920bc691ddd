//! Weaves the budget into a program: wherever values are made, repeated, collected or looked at as a whole, one of the
//! filters of `budget.rs` stands before it.

use super::budget::{INDEX, MULTIPLY, STEP, WEIGH};
use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Def, Pattern, Term},
    },
    ops::Math,
    path::{Part, Path},
};

/// Native filters that look at their input's first level only.
const CHEAP: [&str; 15] = [
    "length",
    "path",
    "path_value",
    "range",
    "first",
    "last",
    "limit",
    "skip",
    "keys_unsorted",
    "key_values",
    "error_empty",
    "floor",
    "round",
    "ceil",
    "now",
];

type T<'s> = Term<&'s str>;

/// The definition with its budget.
pub(super) fn bounded<'s>(def: Def<&'s str>, natives: &[&str]) -> Def<&'s str> {
    let body = before(STEP, term(def.body, natives));
    Def { body, ..def }
}

fn call(name: &'static str) -> T<'static> {
    Term::Call(name, Vec::new())
}

fn before<'s>(filter: &'static str, of: T<'s>) -> T<'s> {
    Term::BinOp(Box::new(call(filter)), BinaryOp::Pipe(None), Box::new(of))
}

fn after<'s>(of: T<'s>, filter: &'static str) -> T<'s> {
    // What these give is one value that was there before.
    if matches!(of, Term::Id | Term::Num(_) | Term::Var(_)) {
        return of;
    }
    after_always(of, filter)
}

fn after_always<'s>(of: T<'s>, filter: &'static str) -> T<'s> {
    Term::BinOp(Box::new(of), BinaryOp::Pipe(None), Box::new(call(filter)))
}

fn term<'s>(of: T<'s>, natives: &[&str]) -> T<'s> {
    let plain = |of: Box<T<'s>>| Box::new(term(*of, natives));
    let stepped = |of: T<'s>| after(term(of, natives), STEP);
    match of {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) | Term::Break(_) | Term::Arr(None) => of,
        Term::Str(format, parts) => {
            let parts = parts.into_iter().map(|part| match part {
                StrPart::Term(of) => StrPart::Term(before(STEP, weighed(of, natives))),
                other => other,
            });
            Term::Str(format, parts.collect())
        }
        Term::Arr(Some(items)) => Term::Arr(Some(Box::new(stepped(*items)))),
        Term::Obj(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (term(name, natives), value.map(stepped)));
            Term::Obj(members.collect())
        }
        Term::Neg(of) => Term::Neg(plain(of)),
        Term::BinOp(left, operator, right) => operation(*left, operator, *right, natives),
        Term::Label(name, of) => Term::Label(name, plain(of)),
        Term::Fold(kind, from, pattern_, arguments) => {
            let from = Box::new(stepped(*from));
            let arguments = arguments.into_iter().map(stepped).collect();
            Term::Fold(kind, from, pattern(pattern_, natives), arguments)
        }
        Term::TryCatch(of, catch) => Term::TryCatch(plain(of), catch.map(plain)),
        Term::IfThenElse(cases, otherwise) => {
            let cases = cases
                .into_iter()
                .map(|(when, then)| (stepped(when), term(then, natives)));
            Term::IfThenElse(cases.collect(), otherwise.map(plain))
        }
        Term::Def(defs, of) => {
            let defs = defs.into_iter().map(|def| bounded(def, natives));
            Term::Def(defs.collect(), plain(of))
        }
        Term::Call(name, arguments) => {
            let is_costly = natives.contains(&name) && !CHEAP.contains(&name);
            let arguments = arguments.into_iter().map(|argument| {
                if is_costly {
                    weighed(argument, natives)
                } else {
                    stepped(argument)
                }
            });
            let called = Term::Call(name, arguments.collect());
            if is_costly { before(WEIGH, called) } else { called }
        }
        Term::Path(from, Path(parts)) => {
            let parts = parts.into_iter().map(|(part, optional)| {
                let part = match part {
                    Part::Index(index) if is_small(&index) => Part::Index(index),
                    Part::Index(index) => Part::Index(after_always(term(index, natives), INDEX)),
                    Part::Range(from, to) => {
                        Part::Range(from.map(|of| term(of, natives)), to.map(|of| term(of, natives)))
                    }
                };
                (part, optional)
            });
            let parts = Path(parts.collect());
            Term::Path(Box::new(stepped(*from)), parts)
        }
    }
}

fn weighed<'s>(of: T<'s>, natives: &[&str]) -> T<'s> {
    if is_small(&of) {
        return of;
    }
    let of = term(of, natives);
    Term::BinOp(Box::new(of), BinaryOp::Pipe(None), Box::new(call(WEIGH)))
}

/// A value that stands in the program itself.
fn is_small(of: &T<'_>) -> bool {
    match of {
        Term::Num(_) | Term::Arr(None) => true,
        Term::Obj(members) => members.is_empty(),
        Term::Str(None, parts) => !parts.iter().any(|part| matches!(part, StrPart::Term(_))),
        _ => false,
    }
}

fn operation<'s>(left: T<'s>, operator: BinaryOp<&'s str>, right: T<'s>, natives: &[&str]) -> T<'s> {
    let stepped = |of: T<'s>| after(term(of, natives), STEP);
    let join = |left, operator, right| Term::BinOp(Box::new(left), operator, Box::new(right));
    match operator {
        BinaryOp::Math(Math::Mul) => {
            Term::Call(MULTIPLY, vec![weighed(left, natives), weighed(right, natives)])
        }
        BinaryOp::UpdateMath(Math::Mul) => {
            let factor = "$!factor";
            let product = Term::Call(MULTIPLY, vec![Term::Id, Term::Var(factor)]);
            let update = join(term(left, natives), BinaryOp::Update, product);
            let bind = BinaryOp::Pipe(Some(Pattern::Var(factor)));
            join(weighed(right, natives), bind, update)
        }
        // What is taken from a list is sought in it.
        BinaryOp::UpdateMath(Math::Sub) if !is_small(&right) => {
            join(stepped(left), operator, weighed(right, natives))
        }
        BinaryOp::Math(Math::Sub) if !is_small(&left) && !is_small(&right) => {
            join(weighed(left, natives), operator, weighed(right, natives))
        }
        // Comparing with a value that the program has in it ends early.
        BinaryOp::Cmp(_) if !is_small(&left) && !is_small(&right) => {
            join(weighed(left, natives), operator, weighed(right, natives))
        }
        BinaryOp::Pipe(bind) => {
            let bind = bind.map(|of| pattern(of, natives));
            join(stepped(left), BinaryOp::Pipe(bind), term(right, natives))
        }
        BinaryOp::Comma => join(term(left, natives), operator, term(right, natives)),
        _ => join(stepped(left), operator, stepped(right)),
    }
}

fn pattern<'s>(of: Pattern<&'s str>, natives: &[&str]) -> Pattern<&'s str> {
    match of {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(items) => Pattern::Arr(items.into_iter().map(|item| pattern(item, natives)).collect()),
        Pattern::Obj(members) => {
            let members = members
                .into_iter()
                .map(|(name, member)| (term(name, natives), pattern(member, natives)));
            Pattern::Obj(members.collect())
        }
    }
}
