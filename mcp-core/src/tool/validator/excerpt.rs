//! A small part of a large value: the validator makes all violations of a value before the first can be looked at, about a
//! kilobyte each, and a value may have millions.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Values of more parts are looked at in excerpts.
const MOST: usize = 2_000;
/// To copy so many bytes of text costs as much as a part.
const TEXT: usize = 64;
/// How many items a list keeps, or members an object; the first of these with which a part is small enough.
const WIDTHS: [usize; 6] = [1_024, 256, 64, 16, 4, 1];

/// The first items of each list and members of each object.
pub(super) struct Excerpt {
    pub(super) value: Value,
    /// Everything that has something left out, and what is around it: where it stands, as JSON Pointers.
    incomplete: BTreeSet<String>,
    /// The list or object that has most left out.
    widest: Option<Widest>,
    window: Option<Window>,
    /// How many values it has.
    parts: usize,
    /// What it took to make.
    cost: usize,
}

struct Widest {
    path: String,
    length: usize,
    width: usize,
    is_list: bool,
}

/// Where items or members are left out before those that are there.
#[derive(Clone)]
struct Window {
    path: String,
    skipped: usize,
    is_list: bool,
}

impl Excerpt {
    /// `None` for a value that is small enough as a whole.
    pub(super) fn of(value: &Value) -> Option<Self> {
        if !has_more_parts(value, MOST) {
            return None;
        }
        let cut = |width| cut(value, width, None);
        let excerpts = WIDTHS.into_iter().map(cut);
        let mut last = None;
        for excerpt in excerpts {
            let is_small = excerpt.parts <= MOST;
            last = Some(excerpt);
            if is_small {
                break;
            }
        }
        last
    }

    /// The same with other items of the widest list, or members of the widest object: window by window to its end, and not
    /// more in all than the value itself a few times.
    pub(super) fn others<'v>(&'v self, value: &'v Value) -> impl Iterator<Item = Self> + 'v {
        let most = 4 * total_cost(value) / self.cost.max(1) + 4;
        let windows = self.widest.iter().flat_map(|widest| {
            let window = |skipped| Window {
                path: widest.path.clone(),
                skipped,
                is_list: widest.is_list,
            };
            let starts = (widest.width..widest.length).step_by(widest.width);
            starts.map(move |skipped| (window(skipped), widest.width))
        });
        windows
            .take(most)
            .map(|(window, width)| cut(value, width, Some(window)))
    }

    /// Whether what is found at the place is also wrong with the whole value: nothing is left out there.
    pub(super) fn is_complete_at(&self, pointer: &str) -> bool {
        !self.incomplete.contains(pointer)
    }

    /// Whether the violation of this part, by its rule's place in the schema, may come from items that stand at other numbers
    /// than in the whole value.
    pub(super) fn is_by_number(&self, rule: &str) -> bool {
        let begins_with_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        self.window.as_ref().is_some_and(|window| window.is_list)
            && (rule.contains("/prefixItems/") || rule.split("/items/").skip(1).any(begins_with_number))
    }

    /// The place in the whole value.
    pub(super) fn place(&self, pointer: &str) -> String {
        let window = self.window.as_ref().filter(|window| window.is_list);
        let inside =
            window.and_then(|window| Some((window, pointer.strip_prefix(&*window.path)?.strip_prefix('/')?)));
        let Some((window, inside)) = inside else {
            return pointer.to_owned();
        };
        let (step, rest) = inside.split_at(inside.find('/').unwrap_or(inside.len()));
        match step.parse::<usize>() {
            Ok(index) => {
                let path = &pointer[..pointer.len() - inside.len()];
                format!("{path}{}{rest}", index + window.skipped)
            }
            Err(_) => pointer.to_owned(),
        }
    }
}

fn has_more_parts(value: &Value, most: usize) -> bool {
    let mut left = most;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let inner = match value {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        left = match left.checked_sub(1) {
            Some(left) if left >= open.len() + inner => left,
            _ => return true,
        };
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    false
}

fn total_cost(value: &Value) -> usize {
    let mut total = 0;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        total += cost(value);
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    total
}

fn cost(value: &Value) -> usize {
    1 + value.as_str().map_or(0, str::len) / TEXT
}

fn cut(value: &Value, width: usize, window: Option<Window>) -> Excerpt {
    let mut cutting = Cutting {
        width,
        excerpt: Excerpt {
            value: Value::Null,
            incomplete: BTreeSet::new(),
            widest: None,
            window,
            parts: 0,
            cost: 0,
        },
    };
    let (value, _) = cutting.cut(value, &mut String::new());
    Excerpt {
        value,
        ..cutting.excerpt
    }
}

struct Cutting {
    width: usize,
    excerpt: Excerpt,
}

impl Cutting {
    /// The shorter value, and whether nothing is left out.
    fn cut(&mut self, value: &Value, path: &mut String) -> (Value, bool) {
        self.excerpt.parts += 1;
        self.excerpt.cost += cost(value);
        // Enough is known: this width is too large.
        let is_too_much = self.excerpt.parts > 4 * MOST;
        let width = if is_too_much { 0 } else { self.width };
        let window = self.excerpt.window.as_ref().filter(|window| window.path == *path);
        let skipped = window.map_or(0, |window| window.skipped);
        let (short, length, mut is_whole) = match value {
            Value::Array(items) => {
                let mut short = Vec::new();
                let mut is_whole = items.len() <= width && skipped == 0;
                for item in items.iter().skip(skipped).take(width) {
                    let (item, whole) = self.inner(&short.len().to_string(), item, path);
                    is_whole &= whole;
                    short.push(item);
                }
                (Value::Array(short), items.len(), is_whole)
            }
            Value::Object(members) => {
                let mut short = Map::new();
                let mut is_whole = members.len() <= width && skipped == 0;
                for (name, member) in members.iter().skip(skipped).take(width) {
                    let step = name.replace('~', "~0").replace('/', "~1");
                    let (member, whole) = self.inner(&step, member, path);
                    is_whole &= whole;
                    short.insert(name.clone(), member);
                }
                (Value::Object(short), members.len(), is_whole)
            }
            scalar => return (scalar.clone(), true),
        };
        is_whole &= length <= width;
        if !is_whole {
            self.excerpt.incomplete.insert(path.clone());
        }
        let widest = self
            .excerpt
            .widest
            .as_ref()
            .map_or(self.width, |widest| widest.length);
        if length > widest {
            self.excerpt.widest = Some(Widest {
                path: path.clone(),
                length,
                width: self.width,
                is_list: value.is_array(),
            });
        }
        (short, is_whole)
    }

    fn inner(&mut self, step: &str, value: &Value, path: &mut String) -> (Value, bool) {
        let length = path.len();
        path.push('/');
        path.push_str(step);
        let inner = self.cut(value, path);
        path.truncate(length);
        inner
    }
}
