//! Some of the endpoints of a fleet, by their places.

use mcp_common::definition::upstream::MOST_ENDPOINTS;

/// A set of places. A fleet has at most as many as there are bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask(u64);

const _: () = assert!(MOST_ENDPOINTS <= u64::BITS as usize);

impl Mask {
    pub(crate) fn add(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    pub(super) fn has(self, index: usize) -> bool {
        self.0 & 1 << index != 0
    }

    pub(super) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The place that has `nth` others of the set before it.
    pub(super) fn nth(self, nth: usize) -> Option<usize> {
        self.iter().nth(nth)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let index = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (index < u64::BITS).then_some(index as usize)
        })
    }
}

impl FromIterator<usize> for Mask {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        let mut mask = Self::default();
        places.into_iter().for_each(|place| mask.add(place));
        mask
    }
}
