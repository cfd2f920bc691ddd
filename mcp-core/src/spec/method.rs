//! The methods that are served, and in which era. This is the only list of them.

use super::Era::{self, Legacy, Modern};

/// A method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `tools/call`
    ToolsCall,
    /// `tools/list`
    ToolsList,
    /// `server/discover`
    ServerDiscover,
    /// `initialize`
    Initialize,
    /// `ping`
    Ping,
    /// `subscriptions/listen`
    SubscriptionsListen,
    /// `logging/setLevel`
    LoggingSetLevel,
}

struct Row {
    method: Method,
    name: &'static str,
    eras: &'static [Era],
}

const fn row(method: Method, name: &'static str, eras: &'static [Era]) -> Row {
    Row { method, name, eras }
}

const BOTH: &[Era] = &[Modern, Legacy];

/// In the order of the enum.
const ROWS: [Row; 7] = [
    row(Method::ToolsCall, "tools/call", BOTH),
    row(Method::ToolsList, "tools/list", BOTH),
    row(Method::ServerDiscover, "server/discover", &[Modern]),
    row(Method::Initialize, "initialize", &[Legacy]),
    row(Method::Ping, "ping", &[Legacy]),
    row(Method::SubscriptionsListen, "subscriptions/listen", &[Modern]),
    row(Method::LoggingSetLevel, "logging/setLevel", &[Legacy]),
];

impl Method {
    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.method)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether there is such a method in that era.
    pub fn is_of(self, era: Era) -> bool {
        self.row().eras.contains(&era)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum_and_names_lead_back() {
        for (place, row) in ROWS.iter().enumerate() {
            assert_eq!(row.method as usize, place, "{}", row.name);
            assert_eq!(Method::parse(row.name), Some(row.method));
        }
        assert_eq!(Method::parse("tools/List"), None);
    }
}
