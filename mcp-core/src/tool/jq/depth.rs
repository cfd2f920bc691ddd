//! How deep a program is nested. What compiles and runs it recurses as deep.

use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Pattern, Term},
    },
    path::{Part, Path},
};

type T<'s> = Term<&'s str>;

/// Levels of terms; each operator of a chain is one.
pub(super) fn of(term: &T<'_>) -> usize {
    1 + match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) | Term::Break(_) | Term::Arr(None) => 0,
        Term::Str(_, parts) => most(parts.iter().map(|part| match part {
            StrPart::Term(term) => of(term),
            StrPart::Str(_) | StrPart::Char(_) => 0,
        })),
        Term::Arr(Some(term)) | Term::Neg(term) | Term::Label(_, term) => of(term),
        Term::Obj(members) => most(
            members
                .iter()
                .map(|(name, value)| of(name).max(of_any(value.as_ref()))),
        ),
        Term::BinOp(left, operator, right) => {
            let bound = match operator {
                BinaryOp::Pipe(Some(pattern)) => of_pattern(pattern),
                _ => 0,
            };
            bound.max(of(left)).max(of(right))
        }
        Term::Fold(_, from, pattern, arguments) => of(from)
            .max(of_pattern(pattern))
            .max(most(arguments.iter().map(of))),
        Term::TryCatch(term, catch) => of(term).max(of_any(catch.as_deref())),
        Term::IfThenElse(cases, otherwise) => {
            let cases = cases.iter().map(|(when, then)| of(when).max(of(then)));
            most(cases).max(of_any(otherwise.as_deref()))
        }
        Term::Def(defs, term) => most(defs.iter().map(|def| of(&def.body))).max(of(term)),
        Term::Call(_, arguments) => most(arguments.iter().map(of)),
        Term::Path(from, Path(parts)) => {
            let parts_len = parts.len();
            let parts = parts.iter().map(|(part, _)| match part {
                Part::Index(index) => of(index),
                Part::Range(from, to) => of_any(from.as_ref()).max(of_any(to.as_ref())),
            });
            // Each part goes on from what those before it give.
            of(from).saturating_add(parts_len).max(most(parts))
        }
    }
}

fn of_any(term: Option<&T<'_>>) -> usize {
    term.map_or(0, of)
}

fn of_pattern(pattern: &Pattern<&str>) -> usize {
    1 + match pattern {
        Pattern::Var(_) => 0,
        Pattern::Arr(items) => most(items.iter().map(of_pattern)),
        Pattern::Obj(members) => most(
            members
                .iter()
                .map(|(name, member)| of(name).max(of_pattern(member))),
        ),
    }
}

fn most(depths: impl Iterator<Item = usize>) -> usize {
    depths.max().unwrap_or_default()
}
