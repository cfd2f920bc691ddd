//! Arguments that the definition places itself: by templates, parameters, the body's root and its parts.

use crate::tool::{Layout, http::param::argument_path, is_hidden};
use mcp_common::{definition::tool::Param, problem::Problem};
use std::collections::{BTreeMap, BTreeSet};

/// The arguments that have a place, for both shapes that arguments have. A call may have very many arguments, so each is looked up.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// Whether all arguments have one as they are.
    everything: bool,
    flat: BTreeSet<String>,
    groups: BTreeSet<String>,
    grouped: BTreeMap<String, BTreeSet<String>>,
}

impl Placed {
    pub(super) fn new(
        layout: Layout,
        params: &[Param],
        claimed: &[Vec<String>],
        by_template: &[Vec<String>],
    ) -> Self {
        let mut placed = Self::default();
        for path in claimed.iter().chain(by_template) {
            placed.everything |= path.is_empty();
            placed.flat.extend(path.first().cloned());
            placed.add_grouped(path);
        }
        for param in params {
            if layout != Layout::Grouped {
                placed.flat.insert(param.name.clone());
            }
            if layout != Layout::Flat {
                placed.add_grouped(&argument_path(true, param.place, &param.name));
            }
        }
        placed
    }

    fn add_grouped(&mut self, path: &[String]) {
        match path {
            [] => {}
            [group] => {
                self.groups.insert(group.clone());
            }
            [group, name, ..] => {
                self.grouped
                    .entry(group.clone())
                    .or_default()
                    .insert(name.clone());
            }
        }
    }

    /// `[name]` where arguments are flat, `[group, name]` where they are grouped.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        self.everything
            || match path {
                [name] => self.flat.contains(*name),
                [group, name, ..] => {
                    self.groups.contains(*group)
                        || self
                            .grouped
                            .get(*group)
                            .is_some_and(|names| names.contains(*name))
                }
                [] => false,
            }
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
