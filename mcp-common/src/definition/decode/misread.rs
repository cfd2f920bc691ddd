//! A document with mistakes: what else is wrong with it is found in what could be read, so that its author hears all at once.

use crate::problem::{Problem, Problems, is_about};

/// What kept a document from being read, and what could be read of it all the same.
#[derive(Clone, Debug)]
pub struct Misread<T> {
    problems: Problems,
    rest: Option<T>,
    /// Members that are not in `rest`, or are there with another value than the document's.
    not_there: Vec<String>,
    /// Members that nobody knows, but that are like one which is known. Of a document that is read they are warnings.
    misspelt: Vec<Problem>,
}

impl<T> Misread<T> {
    pub(super) fn new(problems: Vec<Problem>, rest: Option<T>, not_there: Vec<String>) -> Self {
        Self {
            problems: Problems(problems),
            rest,
            not_there,
            misspelt: Vec::new(),
        }
    }

    pub(super) fn misspelt(self, misspelt: Vec<Problem>) -> Self {
        Self { misspelt, ..self }
    }

    /// All problems: those of reading, and what `look` finds wrong with the rest. `follows` says whether the first place may be
    /// wrong only because the second one is.
    pub fn with(
        self,
        follows: impl Fn(&str, &str) -> bool,
        look: impl FnOnce(T) -> Vec<Problem>,
    ) -> Problems {
        let found = self.rest.map(look).unwrap_or_default();
        let is_there = |problem: &Problem| {
            let mut gone = self.not_there.iter();
            !gone.any(|gone| is_about(&problem.field, gone) || follows(&problem.field, gone))
        };
        let found: Vec<Problem> = found.into_iter().filter(is_there).collect();
        let mut problems = self.problems;
        let is_told = |problem: &Problem| found.iter().any(|other| other.field == problem.field);
        problems
            .0
            .extend(self.misspelt.into_iter().filter(|problem| !is_told(problem)));
        problems.and_later(found, follows)
    }
}

impl<T> From<Misread<T>> for Problems {
    fn from(misread: Misread<T>) -> Self {
        misread.with(|_, _| false, |_| Vec::new())
    }
}
