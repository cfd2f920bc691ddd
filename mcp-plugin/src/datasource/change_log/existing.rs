//! What is said of a table that was there before, and how its `status` is read.

/// The words of a `status` that mean "served", in lower case. The first version's `pending`, `syncing` and `synced` say
/// how far a definition has come to etcd, and it is served from there on.
pub(crate) const SERVED: &str = "'', '1', 'active', 'enabled', 'live', 'on', 'pending', 'published', 'synced', 'syncing', 't', 'true', 'y', 'yes'";

/// Where the words of a `status` stay that was no number: nothing is lost, and what was switched off by mistake is found.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(crate) const FIRST_STATUS: &str = "first_status";

/// How many values of `status` are named.
const NAMED: usize = 8;

/// A table `dynmcp_xds` that was there before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Existing {
    pub(crate) rows: i64,
    /// The values of `status` that do not mean "served", and how many rows have each.
    pub(crate) disabled: Vec<(String, i64)>,
    /// Rows of definitions that have another one which counts.
    pub(crate) doubles: i64,
}

impl Existing {
    /// The step that takes it over, with all that is not served afterwards.
    pub(crate) fn step(&self) -> String {
        let noun = |rows| if rows == 1 { "row" } else { "rows" };
        let mut step = format!(
            "taking over the table dynmcp_xds, {} {}",
            self.rows,
            noun(self.rows)
        );
        let disabled: i64 = self.disabled.iter().map(|(_, rows)| rows).sum();
        if disabled > 0 {
            let mut values: Vec<_> = self
                .disabled
                .iter()
                .take(NAMED)
                .map(|(value, rows)| format!("`{value}`: {rows}"))
                .collect();
            if self.disabled.len() > NAMED {
                values.push("…".to_owned());
            }
            step += &format!(
                "; {disabled} {} switched off and not served (status {}), until `status` is 1",
                if disabled == 1 { "is" } else { "are" },
                values.join(", ")
            );
        }
        if self.doubles > 0 {
            step += &format!(
                "; {} {} of definitions that are there more than once, of which the youngest active one stays",
                self.doubles,
                noun(self.doubles)
            );
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_served_is_said() {
        let plain = Existing {
            rows: 1,
            ..Existing::default()
        };
        assert_eq!(plain.step(), "taking over the table dynmcp_xds, 1 row");
        let others = Existing {
            rows: 9,
            disabled: vec![("draft".to_owned(), 2), ("0".to_owned(), 1)],
            doubles: 1,
        };
        assert_eq!(
            others.step(),
            "taking over the table dynmcp_xds, 9 rows; 3 are switched off and not served (status `draft`: 2, `0`: 1), \
             until `status` is 1; 1 row of definitions that are there more than once, of which the youngest active one \
             stays"
        );
    }

    /// The file of PostgreSQL has the words too.
    #[test]
    fn every_store_reads_the_same_words() {
        let postgres = include_str!("../../../../migrations/postgres/0001_definitions_and_changes.sql");
        assert!(postgres.contains(SERVED));
    }
}
