//! Where parameters stand in the body: the JSON Pointers of all of them, put together once.

use crate::{json::pointer, tool::Param};
use mcp_common::problem::Problem;

/// A place in the body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The parameter of that number.
    Param(usize),
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
}

/// The members of the body that parameters fill.
pub(super) fn compile(params: &[Param], problems: &mut Vec<Problem>) -> Vec<(String, Node)> {
    let mut root = Node::Object(Vec::new());
    for (index, param) in params.iter().enumerate() {
        let path = if param.wire.starts_with('/') {
            pointer::parse(&param.wire)
        } else {
            Ok(vec![param.wire.clone()])
        };
        let placed = path.and_then(|path| {
            root.place(&path, true, index)
                .map_err(|step| clash(&path[..step]))
        });
        if let Err(reason) = placed {
            problems.push(Problem::at(format!("{}.as", param.field), reason));
        }
    }
    let gap = root.gap(&mut Vec::new());
    if let Some(path) = gap {
        let reason = format!(
            "the list at `{}` has a gap: give its items the numbers 0, 1, 2, …",
            pointer::pointer_of(&path)
        );
        problems.push(Problem::at("tds_ext_info.params", reason));
    }
    match root {
        Node::Object(members) => members,
        _ => Vec::new(),
    }
}

fn clash(path: &[String]) -> String {
    format!(
        "`{}` is already filled in another way by a parameter before",
        pointer::pointer_of(path)
    )
}

impl Node {
    /// Errors with the number of steps after which the place is taken.
    fn place(&mut self, path: &[String], is_root: bool, index: usize) -> Result<(), usize> {
        let Some((step, rest)) = path.split_first() else {
            return Err(0);
        };
        // A number is an item's place, except in the body itself: its members are the fields.
        let number = step
            .parse::<usize>()
            .ok()
            .filter(|number| number.to_string() == *step && !is_root);
        let new = |rest: &[String]| match rest.first() {
            None => Self::Param(index),
            Some(step) if step.parse::<usize>().is_ok() => Self::List(Vec::new()),
            Some(_) => Self::Object(Vec::new()),
        };
        match (self, number) {
            (Self::Object(members), None) => {
                let found = members.iter().position(|(name, _)| name == step);
                match found {
                    Some(found) => members[found]
                        .1
                        .place(rest, false, index)
                        .map_err(|depth| depth + 1),
                    None => {
                        let mut node = new(rest);
                        if !rest.is_empty() {
                            node.place(rest, false, index).map_err(|depth| depth + 1)?;
                        }
                        members.push((step.clone(), node));
                        Ok(())
                    }
                }
            }
            (Self::List(items), Some(number)) if number < 1_000 => {
                while items.len() <= number {
                    // Filled by a later parameter, or found by `gap`.
                    items.push(Self::Object(Vec::new()));
                }
                let item = &mut items[number];
                let is_new = *item == Self::Object(Vec::new());
                if is_new {
                    *item = new(rest);
                }
                if rest.is_empty() && is_new {
                    return Ok(());
                }
                item.place(rest, false, index).map_err(|depth| depth + 1)
            }
            _ => Err(0),
        }
    }

    fn gap(&self, path: &mut Vec<String>) -> Option<Vec<String>> {
        let mut inner = |step: String, node: &Self| {
            path.push(step);
            let found = node.gap(path);
            path.pop();
            found
        };
        match self {
            Self::Param(_) => None,
            Self::Object(members) => members.iter().find_map(|(name, node)| inner(name.clone(), node)),
            Self::List(items) => {
                let empty = items.iter().any(|item| *item == Self::Object(Vec::new()));
                if empty {
                    return Some(path.clone());
                }
                let mut items = items.iter().enumerate();
                items.find_map(|(index, node)| inner(index.to_string(), node))
            }
        }
    }
}

/// An argument without a place of its own goes into the body under its name; a parameter may fill that name already.
pub(crate) fn check_neighbours<'a>(
    params: &[Param],
    mut rest: impl Iterator<Item = &'a String>,
    problems: &mut Vec<Problem>,
) {
    let clash = |name: &&String| params.iter().any(|param| top_name(&param.wire) == **name);
    if let Some(name) = rest.find(clash) {
        let reason = format!(
            "the argument `{name}` goes to `{}` of the body, which a parameter fills; declare its place too",
            pointer::pointer_of(&[name])
        );
        problems.push(Problem::at("tds_ext_info.params", reason));
    }
}

fn top_name(wire: &str) -> String {
    if !wire.starts_with('/') {
        return wire.to_owned();
    }
    let path = pointer::parse(wire).unwrap_or_default();
    path.into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Node;

    fn place(paths: &[&str]) -> Result<Node, (usize, usize)> {
        let mut root = Node::Object(Vec::new());
        for (index, path) in paths.iter().enumerate() {
            let path = crate::json::pointer::parse(path).unwrap();
            root.place(&path, true, index).map_err(|depth| (index, depth))?;
        }
        Ok(root)
    }

    #[test]
    fn pointers_make_one_tree() {
        let object = |members: Vec<(&str, Node)>| {
            Node::Object(
                members
                    .into_iter()
                    .map(|(name, node)| (name.to_owned(), node))
                    .collect(),
            )
        };
        assert_eq!(
            place(&["/a/b", "/a/c", "/d/1/x", "/d/0", "/0"]).unwrap(),
            object(vec![
                ("a", object(vec![("b", Node::Param(0)), ("c", Node::Param(1))])),
                (
                    "d",
                    Node::List(vec![Node::Param(3), object(vec![("x", Node::Param(2))])])
                ),
                ("0", Node::Param(4)),
            ])
        );
    }

    #[test]
    fn clashes_and_gaps_are_found() {
        assert_eq!(place(&["/a", "/a"]), Err((1, 1)));
        assert_eq!(place(&["/a", "/a/b"]), Err((1, 1)));
        assert_eq!(place(&["/a/b", "/a"]), Err((1, 1)));
        assert_eq!(place(&["/a/0", "/a/b"]), Err((1, 1)));
        assert_eq!(place(&["/a/b", "/a/0"]), Err((1, 1)));
        assert!(place(&["/a/1"]).unwrap().gap(&mut Vec::new()).is_some());
        assert!(place(&["/a/-"]).unwrap().gap(&mut Vec::new()).is_none());
    }
}
