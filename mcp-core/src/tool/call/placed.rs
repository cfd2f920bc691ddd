//! Arguments that the definition places itself: by templates, parameters, the body's root and its parts.

use crate::tool::{Layout, is_hidden, param::argument_path};
use mcp_common::{definition::tool::Param, problem::Problem};

/// Paths from the root of the arguments, for both shapes that arguments have.
#[derive(Debug, Default)]
pub(super) struct Placed {
    flat: Vec<Vec<String>>,
    grouped: Vec<Vec<String>>,
}

impl Placed {
    pub(super) fn new(
        layout: Layout,
        params: &[Param],
        claimed: &[Vec<String>],
        by_template: &[Vec<String>],
    ) -> Self {
        let named = [claimed, by_template].concat();
        let mut placed = Self {
            flat: named.clone(),
            grouped: named,
        };
        for param in params {
            if layout != Layout::Grouped {
                placed.flat.push(argument_path(false, param.place, &param.name));
            }
            if layout != Layout::Flat {
                placed.grouped.push(argument_path(true, param.place, &param.name));
            }
        }
        placed
    }

    /// `[name]` where arguments are flat, `[group, name]` where they are grouped.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        let placed = if path.len() == 1 {
            &self.flat
        } else {
            &self.grouped
        };
        placed
            .iter()
            .any(|named| named.iter().zip(path).all(|(a, b)| a == b))
    }

    /// A template places an argument alone, so nothing else may.
    pub(super) fn check(
        params: &[Param],
        by_template: &[Vec<String>],
        layout: Layout,
        problems: &mut Vec<Problem>,
    ) {
        for (index, param) in params.iter().enumerate().filter(|(_, param)| !is_hidden(param)) {
            let path = argument_path(layout == Layout::Grouped, param.place, &param.name);
            if by_template.iter().any(|named| named.starts_with(&path)) {
                let reason = format!(
                    "`{}` is also named by a template, which places it alone; keep one of them",
                    param.name
                );
                problems.push(Problem::at(format!("tds_ext_info.params[{index}].name"), reason));
            }
        }
    }
}
