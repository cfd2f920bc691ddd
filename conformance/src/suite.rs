//! Which suites there are.

/// Which of the two instances a suite talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Any replica serves any request.
    Stateless,
    /// Sessions for the revisions before 2026-07-28.
    Stateful,
}

impl Flavour {
    /// Also the instance's id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stateless => "stateless",
            Self::Stateful => "stateful",
        }
    }
}

/// One run of the conformance harness.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// The Node.js package, as `tests/clients/tools/package.json` names it.
    pub package: &'static str,
    /// What to run.
    pub arguments: &'static [&'static str],
    /// Whom to ask.
    pub flavour: Flavour,
    /// The files in `expected-failures/`.
    pub expected_failures: &'static [&'static str],
}

pub(crate) const ALPHA: &str = "conformance-alpha";
pub(crate) const STABLE: &str = "conformance-stable";

impl Suite {
    /// What 2026-07-28 requires of a server.
    pub const REQUIREMENTS_2026_07_28: Self = Self {
        package: ALPHA,
        arguments: &["--requirements", "2026-07-28"],
        flavour: Flavour::Stateless,
        expected_failures: &["2026-07-28.yml"],
    };
    /// Also the scenarios of 2026-07-28 that the requirements only report.
    pub const ALL_2026_07_28: Self = Self {
        arguments: &["--suite", "all", "--spec-version", "2026-07-28"],
        ..Self::REQUIREMENTS_2026_07_28
    };
    /// What 2025-11-25 requires of a server.
    pub const REQUIREMENTS_2025_11_25: Self = Self {
        package: ALPHA,
        arguments: &["--requirements", "2025-11-25"],
        flavour: Flavour::Stateful,
        expected_failures: &["2025-11-25.yml"],
    };
    /// The same without sessions.
    pub const REQUIREMENTS_2025_11_25_STATELESS: Self = Self {
        flavour: Flavour::Stateless,
        expected_failures: &["2025-11-25.yml", "2025-11-25-stateless.yml"],
        ..Self::REQUIREMENTS_2025_11_25
    };
    /// Everything that applies to 2025-06-18.
    pub const ALL_2025_06_18: Self = Self {
        arguments: &["--suite", "all", "--spec-version", "2025-06-18"],
        expected_failures: &["2025-06-18.yml"],
        ..Self::REQUIREMENTS_2025_11_25
    };
    /// The same without sessions.
    pub const ALL_2025_06_18_STATELESS: Self = Self {
        flavour: Flavour::Stateless,
        ..Self::ALL_2025_06_18
    };
    /// Everything that applies to 2025-03-26: what becomes of a session.
    pub const ALL_2025_03_26: Self = Self {
        arguments: &["--suite", "all", "--spec-version", "2025-03-26"],
        expected_failures: &[],
        ..Self::REQUIREMENTS_2025_11_25
    };
    /// The stable release of the harness.
    pub const STABLE_ALL: Self = Self {
        package: STABLE,
        arguments: &["--suite", "all"],
        flavour: Flavour::Stateful,
        expected_failures: &["0.1.16.yml"],
    };
    /// The same without sessions.
    pub const STABLE_ALL_STATELESS: Self = Self {
        flavour: Flavour::Stateless,
        expected_failures: &["0.1.16.yml", "0.1.16-stateless.yml"],
        ..Self::STABLE_ALL
    };

    /// Everything there is to run.
    pub const ALL: [Self; 9] = [
        Self::REQUIREMENTS_2026_07_28,
        Self::ALL_2026_07_28,
        Self::REQUIREMENTS_2025_11_25,
        Self::REQUIREMENTS_2025_11_25_STATELESS,
        Self::ALL_2025_06_18,
        Self::ALL_2025_06_18_STATELESS,
        Self::ALL_2025_03_26,
        Self::STABLE_ALL,
        Self::STABLE_ALL_STATELESS,
    ];

    /// For people.
    pub fn title(&self) -> String {
        format!(
            "{} {} ({})",
            self.package,
            self.arguments.join(" "),
            self.flavour.as_str()
        )
    }

    /// For a directory.
    pub fn slug(&self) -> String {
        let text = format!(
            "{}-{}-{}",
            self.package,
            self.arguments.join("-"),
            self.flavour.as_str()
        );
        text.replace("--", "")
    }
}
