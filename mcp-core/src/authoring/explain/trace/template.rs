//! Which arguments templates name.

use crate::{
    json::pointer::pointer_of,
    tool::{Call, Leaf, Reference, Template},
};

/// The arguments as JSON Pointers, each once.
pub(super) fn arguments_of(template: &Template, call: &Call) -> Vec<String> {
    let mut found = Vec::new();
    each_leaf(template, &mut |leaf, _| {
        for argument in of_leaf(leaf, call) {
            if !found.contains(&argument) {
                found.push(argument);
            }
        }
    });
    found
}

pub(super) fn of_leaf(leaf: &Leaf, call: &Call) -> Vec<String> {
    match leaf {
        Leaf::Reference(Reference::Argument(path)) => vec![pointer_of(path)],
        Leaf::Fixed(_) | Leaf::Reference(_) => Vec::new(),
        Leaf::Expression(name) | Leaf::Text(name) => {
            let paths = call.templates.arguments_of(name);
            paths.iter().map(|path| pointer_of(path)).collect()
        }
    }
}

/// Leaves with their field in the document.
pub(super) fn each_leaf(template: &Template, see: &mut dyn FnMut(&Leaf, &str)) {
    match template {
        Template::Fixed(_) => {}
        Template::Leaf(leaf, field) => see(leaf, field),
        Template::Object(members) => members.iter().for_each(|(_, inner)| each_leaf(inner, see)),
        Template::List(items) => items.iter().for_each(|inner| each_leaf(inner, see)),
    }
}
