//! Which values of a request the instance gives.

use super::{Placement, Source};
use crate::tool::{Call, InstanceNames};

/// Names the instance at each placement that has something of it. `added` are the arguments that it gives, as pointers.
pub(super) fn tell(placements: &mut [Placement], added: &[String], call: &Call, instance: &InstanceNames) {
    for placement in placements {
        let mut what = Vec::new();
        let is_given = |pointer: &String| added.iter().any(|added| is_part(pointer, added));
        if !placement.arguments.is_empty() && placement.arguments.iter().all(is_given) {
            if placement.source == Source::Argument {
                placement.source = Source::Instance;
            }
            what.push("defaults".to_owned());
        } else {
            let touches = |added: &&String| {
                let mut placed = placement.arguments.iter();
                placed.any(|placed| is_part(placed, added) || is_part(added, placed))
            };
            let some = added.iter().filter(touches);
            what.extend(some.map(|pointer| format!("defaults of {pointer}")));
        }
        let vars = call
            .used_vars()
            .filter(|used| is_member(&used.field, &placement.rule) && instance.var(&used.path).is_some());
        for used in vars {
            let var = format!("vars.{}", used.path.join("."));
            if !what.contains(&var) {
                what.push(var);
            }
        }
        if !what.is_empty() {
            placement.given_by = Some(format!("IDS `{}`: {}", instance.id(), what.join(", ")));
        }
    }
}

/// Whether the first pointer is the second or leads into it.
fn is_part(pointer: &str, of: &str) -> bool {
    pointer
        .strip_prefix(of)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The same for members of a document: `params[0].const` and `params[0]`.
fn is_member(field: &str, of: &str) -> bool {
    field
        .strip_prefix(of)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
