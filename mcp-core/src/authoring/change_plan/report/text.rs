//! The report as lines for a terminal.

use super::{ChangedMembers, Finding, PlanReport, Skipped};
use crate::authoring::{
    change_plan::{ChangedValue, HolderNotice, InstanceChange, InstanceNotice, ListSize, Renamed},
    counted::counted,
};
use std::fmt::{self, Display, Formatter};

/// More of them say nothing to a person.
const MAX_SKIPPED: usize = 20;

impl Display for PlanReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for definition in &self.created {
            writeln!(f, "  + {definition}")?;
        }
        for ChangedMembers {
            definition,
            members,
            values,
        } in &self.changes
        {
            let members = match &members[..] {
                [whole] if whole.is_empty() => "what is stored is no document".to_owned(),
                members => members.join(", "),
            };
            writeln!(f, "  ~ {definition}  ({members})")?;
            values.iter().try_for_each(|value| value.fmt(f))?;
        }
        for definition in &self.removed {
            writeln!(f, "  - {definition}")?;
        }
        for Skipped { operation, reason } in self.skipped.iter().take(MAX_SKIPPED) {
            writeln!(f, "  . {operation}: {reason}")?;
        }
        if self.skipped.len() > MAX_SKIPPED {
            writeln!(f, "  . and {} more", self.skipped.len() - MAX_SKIPPED)?;
        }
        for finding in &self.warnings {
            writeln!(f, "  warning: {finding}")?;
        }
        if !self.clients.is_empty() {
            writeln!(f, "what clients will notice:")?;
        }
        for notice in &self.clients {
            notice.fmt(f)?;
        }
        if !self.access.is_empty() {
            writeln!(f, "who gains and who loses:")?;
        }
        for notice in &self.access {
            notice.fmt(f)?;
        }
        if self.access_left_out > 0 {
            writeln!(f, "  . and {} more", self.access_left_out)?;
        }
        for finding in &self.problems {
            writeln!(f, "  problem: {finding}")?;
        }
        writeln!(
            f,
            "{} to create, {} to change, {} to delete, {} unchanged{}",
            self.created.len(),
            self.changed.len(),
            self.removed.len(),
            self.unchanged.len(),
            if self.breaking { "; breaks clients" } else { "" }
        )
    }
}

impl Display for HolderNotice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            holder,
            name,
            instance,
            gains,
            loses,
        } = self;
        write!(f, "  {holder}")?;
        if let Some(name) = name {
            write!(f, " ({name})")?;
        }
        writeln!(f, " in {instance}:")?;
        let lines = [("+", gains), ("-", loses)];
        let mut there = lines.iter().filter(|(_, tools)| !tools.is_empty());
        there.try_for_each(|(sign, tools)| writeln!(f, "    {sign} {}", tools.join(", ")))
    }
}

/// One line below the other, so that long texts can be compared.
impl Display for ChangedValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let lines = [("-", &self.old), ("+", &self.new)];
        writeln!(f, "      {}", self.place)?;
        let mut there = lines
            .into_iter()
            .filter_map(|(sign, text)| Some((sign, text.as_ref()?)));
        there.try_for_each(|(sign, text)| writeln!(f, "        {sign} {text}"))
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            definition,
            place,
            field,
            reason,
            ..
        } = self;
        if let Some(place) = place {
            write!(f, "{place}: ")?;
        }
        if !definition.is_empty() {
            write!(f, "{definition}: ")?;
        }
        if !field.is_empty() {
            write!(f, "{field}: ")?;
        }
        f.write_str(reason)
    }
}

impl Display for InstanceNotice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.lines(f, &self.appear)
    }
}

impl InstanceNotice {
    /// Without the tools that appear, where they are named already.
    pub(in crate::authoring) fn without_new(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.lines(f, &[])
    }

    fn lines(&self, f: &mut Formatter<'_>, appear: &[String]) -> fmt::Result {
        let state = match self.change {
            InstanceChange::Stays => "",
            InstanceChange::Appears => " (new)",
            InstanceChange::Disappears => " (gone) BREAKING",
        };
        writeln!(
            f,
            "  {}{state}: tools/list {} → {}",
            self.instance, self.before, self.after
        )?;
        let lines = |f: &mut Formatter<'_>, sign: &str, names: &[String], mark: &str| {
            names
                .iter()
                .try_for_each(|name| writeln!(f, "    {sign} {name}{mark}"))
        };
        lines(f, "+", appear, "")?;
        if self.change != InstanceChange::Disappears {
            lines(f, "-", &self.disappear, " BREAKING")?;
        }
        for Renamed { from, to } in &self.renamed {
            writeln!(f, "    ~ {from} is called {to} BREAKING")?;
        }
        for tool in &self.changed {
            for notice in &tool.changes {
                let mark = if notice.breaking { " BREAKING" } else { "" };
                writeln!(f, "    ~ {}: {}{mark}", tool.name, notice.text)?;
            }
        }
        for notice in &self.other {
            let mark = if notice.breaking { " BREAKING" } else { "" };
            writeln!(f, "    ~ {}{mark}", notice.text)?;
        }
        if self.reordered {
            writeln!(f, "    ~ the order of the tools")?;
        }
        Ok(())
    }
}

impl Display for ListSize {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}, about {}",
            counted(self.tools, "tool"),
            counted(self.bytes, "byte"),
            counted(self.tokens, "token")
        )
    }
}
