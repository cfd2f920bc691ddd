//! How long templates may take, known from their text alone.

/// Bytes looked at by filters: a few milliseconds.
const QUICK: usize = 1 << 20;
/// Words after which the same place of a template is done again and again, or which make large values of small ones.
const REPEATING: [&str; 6] = ["for", "macro", "call", "range", "cycler", "lipsum"];

/// What the templates of a tool cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// How often all of the values that they work on may be looked at.
    passes: usize,
    repeats: bool,
}

impl Weight {
    /// Adds a template.
    pub(super) fn add(&mut self, source: &str) {
        self.passes += 1 + source.matches(['|', '~', '(', '[', '=']).count();
        let mut words = source.split(|c: char| !c.is_alphanumeric() && c != '_');
        self.repeats |= words.any(|word| REPEATING.contains(&word));
    }

    /// Whether filling them from values of so many bytes takes a few milliseconds at most.
    pub(crate) fn is_quick(&self, bytes: usize) -> bool {
        !self.repeats && self.passes.saturating_mul(bytes) <= QUICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_and_many_filters_are_not_quick() {
        let weight = |source: &str| {
            let mut weight = Weight::default();
            weight.add(source);
            weight
        };
        assert!(Weight::default().is_quick(usize::MAX));
        assert!(weight("{{ args.id }}-{{ args.tags | join(',') }}").is_quick(64 << 10));
        assert!(!weight("{% for x in args.list %}{{ x }}{% endfor %}").is_quick(2));
        assert!(!weight("{{ range(10000) | sort }}").is_quick(2));
        let sorting = "{{ args.l | sort }}".repeat(1_000);
        assert!(weight(&sorting).is_quick(500) && !weight(&sorting).is_quick(10_000));
    }
}
