//! What one run may cost. jq has loops and recursion and no bound of its own: calls to these filters are woven into
//! every program (`bounded.rs`), and each takes from the budget. When it is used up the run ends, also inside of `try`.

use super::{Effort, MAX_DEPTH, readable};
use crate::tool::pattern_weight;
use jaq_core::{
    DataT, Error, Exn, Lut, Native, ValX,
    box_iter::box_once,
    data::HasLut,
    native::{Fun, v},
};
use jaq_json::{Num, Val};
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// One step is about one application of a filter to a value.
const MAX_STEPS: u64 = 1_000_000;
/// Processes for work have less of a busy machine than its workers.
const MAX_TIME: Duration = Duration::from_millis(3_000);
/// A short run occupies its worker, so other calls wait for it.
const SHORT_STEPS: u64 = 20_000;
const SHORT_TIME: Duration = Duration::from_millis(5);
/// Threads have 2 MiB; the larger part is left to whoever called.
const MAX_STACK: usize = 768 << 10;
/// Longest text that a program may make.
const MAX_TEXT: usize = 16 << 20;
/// Largest integer that a product may have.
const MAX_BITS: u64 = 4_096;

/// The filters' names. None of them can be written in a program.
pub(super) const STEP: &str = "!step";
pub(super) const WEIGH: &str = "!weigh";
pub(super) const MULTIPLY: &str = "!multiply";
/// The check before a text is read as JSON.
pub(super) const READ: &str = "!read";
/// The check before something is sought in all of a value.
pub(super) const PAIR: &str = "!pair";
/// The check before a text is matched with a pattern.
pub(super) const SCAN: &str = "!scan";
/// The check before a value is what another one is indexed with.
pub(super) const INDEX: &str = "!index";

/// The kind of programs that have a budget.
pub(super) struct Jq;

impl DataT for Jq {
    type V<'a> = Val;
    type Data<'a> = Environment<'a>;
}

/// What the filters of one run share.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    pub(super) lut: &'a Lut<Jq>,
    pub(super) budget: &'a Budget,
}

impl<'a> HasLut<'a, Jq> for Environment<'a> {
    fn lut(&self) -> &'a Lut<Jq> {
        self.lut
    }
}

/// The budget of one run.
pub(super) struct Budget {
    steps: Cell<u64>,
    calls: Cell<u32>,
    ends: Instant,
    stack: usize,
    exceeded: Cell<Option<&'static str>>,
    effort: Effort,
    is_long: Cell<bool>,
}

/// The budget is used up.
pub(super) struct Exceeded;

/// About where the stack is now.
fn stack_position() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}

impl Budget {
    pub(super) fn new(effort: Effort) -> Self {
        let (steps, time) = match effort {
            Effort::Short => (SHORT_STEPS, SHORT_TIME),
            Effort::Full => (MAX_STEPS, MAX_TIME),
        };
        Self {
            steps: Cell::new(steps),
            calls: Cell::new(0),
            ends: Instant::now() + time,
            effort,
            is_long: Cell::new(false),
            stack: stack_position(),
            exceeded: Cell::new(None),
        }
    }

    /// Why the run was ended.
    pub(super) fn exceeded(&self) -> Option<&'static str> {
        self.exceeded.get()
    }

    /// Whether a short run was ended that might have come to its end.
    pub(super) fn is_long(&self) -> bool {
        self.is_long.get()
    }

    /// The run takes too much, which is final unless it was to be a short one.
    fn end_long(&self, reason: &'static str) -> Exceeded {
        if self.exceeded.get().is_none() {
            self.is_long.set(self.effort == Effort::Short);
        }
        self.end(reason)
    }

    fn end(&self, reason: &'static str) -> Exceeded {
        if self.exceeded.get().is_none() {
            self.exceeded.set(Some(reason));
        }
        Exceeded
    }

    fn take(&self, steps: usize) -> Result<(), Exceeded> {
        match self.steps.get().checked_sub(steps as u64) {
            Some(left) => self.steps.set(left),
            None => {
                self.steps.set(0);
                return Err(self.end_long("takes more than 1000000 steps (a loop that does not end?)"));
            }
        }
        Ok(())
    }

    /// One step with this value.
    pub(super) fn step(&self, value: &Val) -> Result<(), Exceeded> {
        if self.exceeded.get().is_some() {
            return Err(Exceeded);
        }
        self.take(1 + shallow(value))?;
        if text_length(value) > MAX_TEXT {
            return Err(self.end("makes a text larger than 16 MiB"));
        }
        if self.stack.abs_diff(stack_position()) > MAX_STACK {
            return Err(self.end("recurses too deeply"));
        }
        let calls = self.calls.get().wrapping_add(1);
        self.calls.set(calls);
        if calls.is_multiple_of(256) {
            if Instant::now() > self.ends {
                return Err(self.end_long("takes longer than 3 seconds"));
            }
            return self.weigh(value);
        }
        Ok(())
    }

    /// Takes what it costs to look at all of the value, which may be far larger than the memory that it takes.
    pub(super) fn weigh(&self, value: &Val) -> Result<(), Exceeded> {
        let nodes = self.nodes(value)?;
        self.take(self.charge(nodes))
    }

    fn nodes(&self, value: &Val) -> Result<usize, Exceeded> {
        let mut nodes = 0;
        self.count(value, 0, &mut nodes)?;
        Ok(nodes)
    }

    /// What native filters take for so many nodes or bytes. A short run has to end soon, whatever they do with them.
    fn charge(&self, units: usize) -> usize {
        match self.effort {
            Effort::Short => units,
            Effort::Full => units / 4,
        }
    }

    /// Checks before the value is read as JSON.
    fn read(&self, value: &Val) -> Result<(), Exceeded> {
        let (Val::TStr(text) | Val::BStr(text)) = value else {
            return Ok(());
        };
        self.take(self.charge(text.len() / 8))?;
        readable(text).map_err(|reason| match reason {
            "is nested more than 256 times" => self.end("reads JSON that is nested more than 256 times"),
            _ => self.end("reads a number of more than 4096 digits"),
        })
    }

    /// Checks before the one is sought everywhere in the other.
    fn pair(&self, value: &Val, other: &Val) -> Result<(), Exceeded> {
        let cost = match (value, other) {
            (Val::TStr(_) | Val::BStr(_), _) => self.nodes(value)?.saturating_add(self.nodes(other)?),
            _ => self.nodes(value)?.saturating_mul(self.nodes(other)?),
        };
        self.take(self.charge(cost))
    }

    /// Checks before the text is matched with the pattern, which may make a value of each character.
    fn scan(&self, text: &Val, pattern: &Val) -> Result<(), Exceeded> {
        let (Val::TStr(text) | Val::BStr(text), Val::TStr(pattern) | Val::BStr(pattern)) = (text, pattern)
        else {
            return Ok(());
        };
        let weight = usize::try_from(pattern_weight(&String::from_utf8_lossy(pattern))).unwrap_or(usize::MAX);
        self.take(self.charge(text.len().saturating_add(1).saturating_mul(weight)))
    }

    /// Checks before another value is indexed with it. A list is sought at each place of another list.
    fn index(&self, index: &Val) -> Result<(), Exceeded> {
        match index {
            Val::Arr(items) => self.take(self.charge(items.len().saturating_mul(4_096))),
            _ => Ok(()),
        }
    }

    fn count(&self, value: &Val, depth: usize, nodes: &mut usize) -> Result<(), Exceeded> {
        if depth > MAX_DEPTH {
            return Err(self.end("makes a value that is nested too deeply"));
        }
        *nodes += 1 + text_length(value) / 64;
        let charge = self.charge(*nodes);
        if charge as u64 > self.steps.get() {
            return self.take(charge);
        }
        match value {
            Val::Arr(items) => items
                .iter()
                .try_for_each(|item| self.count(item, depth + 1, nodes)),
            Val::Obj(members) => members
                .iter()
                .try_for_each(|(_, member)| self.count(member, depth + 1, nodes)),
            _ => Ok(()),
        }
    }

    fn multiply(&self, left: Val, right: Val) -> Result<jaq_json::ValR, Exceeded> {
        let times = |value: &Val| match value {
            Val::Num(Num::Int(times)) => usize::try_from(*times).unwrap_or(0),
            Val::Num(Num::BigInt(_)) => usize::MAX,
            _ => 1,
        };
        let bits = |value: &Val| match value {
            Val::Num(Num::BigInt(number)) => number.bits(),
            _ => 0,
        };
        let length = match (text_length(&left), text_length(&right)) {
            (0, 0) => 0,
            (length, 0) => length.saturating_mul(times(&right)),
            (0, length) => length.saturating_mul(times(&left)),
            _ => 0,
        };
        if length > MAX_TEXT {
            return Err(self.end("makes a text larger than 16 MiB"));
        }
        if bits(&left) + bits(&right) > MAX_BITS {
            return Err(self.end("makes an integer of too many digits"));
        }
        Ok(left * right)
    }
}

fn text_length(value: &Val) -> usize {
    match value {
        Val::TStr(text) | Val::BStr(text) => text.len(),
        _ => 0,
    }
}

/// What it may have cost to make the value itself.
fn shallow(value: &Val) -> usize {
    match value {
        Val::TStr(text) | Val::BStr(text) => text.len() / 256,
        Val::Arr(items) => items.len() / 32,
        Val::Obj(members) => members.len() / 32,
        _ => 0,
    }
}

fn ended<'a, T>(_: Exceeded) -> Result<T, Exn<'a, Val>> {
    // Not an error: `try` would catch it.
    Err(Exn::halt(1))
}

/// A filter that gives its input on where `$check` has nothing against it.
macro_rules! checked {
    ($check:expr) => {
        Native::<Jq>::new(|cv| {
            let checked = $check(cv.0.data().budget, &cv.1);
            box_once(checked.map_or_else(ended, |()| Ok(cv.1)))
        })
        .with_paths(|cv| {
            let checked = $check(cv.0.data().budget, &cv.1.0);
            box_once(checked.map_or_else(ended, |()| Ok(cv.1)))
        })
        .with_update(|cv, update| match $check(cv.0.data().budget, &cv.1) {
            Ok(()) => update(cv.1),
            Err(exceeded) => box_once(ended(exceeded)),
        })
    };
}

/// The same, with an argument.
macro_rules! checked_with {
    ($check:expr) => {
        Native::<Jq>::new(|mut cv| {
            let argument = cv.0.pop_var();
            let checked = $check(cv.0.data().budget, &cv.1, &argument);
            box_once(checked.map_or_else(ended, |()| Ok(cv.1)))
        })
    };
}

fn step_and_weigh(budget: &Budget, value: &Val) -> Result<(), Exceeded> {
    budget.step(value).and_then(|()| budget.weigh(value))
}

/// The filters themselves.
pub(super) fn funs() -> [Fun<Jq>; 7] {
    let multiply: Native<Jq> = Native::<Jq>::new(|mut cv| {
        let right = cv.0.pop_var();
        let left = cv.0.pop_var();
        let product: ValX<'_, Val> = match cv.0.data().budget.multiply(left, right) {
            Ok(product) => product.map_err(|error: Error<Val>| error.into()),
            Err(exceeded) => ended(exceeded),
        };
        box_once(product)
    });
    [
        (STEP, v(0), checked!(Budget::step)),
        (WEIGH, v(0), checked!(step_and_weigh)),
        (MULTIPLY, v(2), multiply),
        (READ, v(0), checked!(Budget::read)),
        (INDEX, v(0), checked!(Budget::index)),
        (PAIR, v(1), checked_with!(Budget::pair)),
        (SCAN, v(1), checked_with!(Budget::scan)),
    ]
}
