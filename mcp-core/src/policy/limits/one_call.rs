//! One call and everything that it counts for.

use super::{
    counted::{Counted, Place, Refused},
    holder::Holder,
};
use crate::policy::{Held, Hold, SharedLimits, Standing, shared::Lease};
use mcp_common::tally::Count;
use std::{sync::Arc, time::SystemTime};

/// A call that is limited. It is counted for all of its limits or for none.
pub(super) struct OneCall<'a> {
    /// In the order in which they are asked.
    pub(super) holders: Vec<Arc<Holder>>,
    /// The tool that is called.
    pub(super) tool: Option<&'a str>,
}

/// What a call that was let in has of its limits.
struct Admitted {
    standing: Option<Standing>,
    /// Given back when it is over.
    _places: Vec<Place>,
    _lease: Option<Lease>,
}

impl OneCall<'_> {
    fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Counted>)> {
        let all = self.holders.iter().flat_map(|holder| {
            let counted = holder.counted.iter();
            counted.map(move |counted| (&holder.name, counted))
        });
        all.filter(|(_, counted)| counted.is_about(self.tool))
    }

    fn counted(&self) -> impl Iterator<Item = &Arc<Counted>> {
        self.all().map(|(_, counted)| counted)
    }

    /// What is the cheapest to give back comes first: a call that is refused is not counted. Only where several rates hold, the tighter
    /// one may have counted what a wider one refuses.
    pub(super) fn take(&self, now: SystemTime) -> Result<Option<Hold>, Refused> {
        let places = self.places()?;
        let mut standing = Standing::default();
        for (index, counted) in self.counted().enumerate() {
            if let Err(refused) = counted.count_today(now, &mut standing) {
                self.counted()
                    .take(index)
                    .for_each(|counted| counted.uncount_today());
                return Err(refused);
            }
        }
        for counted in self.counted() {
            if let Err(refused) = counted.check_rate(&mut standing) {
                self.counted().for_each(|counted| counted.uncount_today());
                return Err(refused);
            }
        }
        Ok(Admitted::hold(places, None, standing))
    }

    /// The same for all replicas together; where they cannot be asked, it is this one alone that counts.
    pub(super) async fn take_together(
        &self,
        shared: &Arc<SharedLimits>,
        now: SystemTime,
    ) -> Result<Option<Hold>, Refused> {
        if let Some(refused) = self.counted().find_map(|counted| counted.known_refusal()) {
            shared.refused_by_memory();
            return Err(refused);
        }
        // Where this replica alone has as many calls under way, nobody need be asked.
        let places = self.places()?;
        let parts: Vec<_> = self
            .all()
            .flat_map(|(holder, counted)| {
                let parts = counted.together();
                parts.map(move |(part, count)| (holder, counted, part, count))
            })
            .collect();
        let counts: Vec<(&Arc<str>, &Count)> = parts
            .iter()
            .map(|(holder, .., count)| (*holder, *count))
            .collect();
        if counts.is_empty() {
            return Ok(None);
        }
        let Some(taken) = shared.take(&counts).await else {
            drop(places);
            return self.take(now);
        };
        match taken {
            Ok((left, lease)) => {
                let mut standing = Standing::default();
                for ((_, counted, part, _), left) in parts.iter().zip(left) {
                    standing.extend(counted.line_together(*part, left, now));
                }
                self.counted().for_each(|counted| counted.note(now));
                Ok(Admitted::hold(places, lease, standing))
            }
            Err((by, wait)) => match parts.get(by) {
                Some((_, counted, part, _)) => Err(counted.refused_together(*part, wait)),
                // It was looked at before.
                None => self.take(now),
            },
        }
    }

    fn places(&self) -> Result<Vec<Place>, Refused> {
        let mut places = Vec::new();
        for counted in self.counted() {
            places.extend(counted.place()?);
        }
        Ok(places)
    }
}

impl Admitted {
    fn hold(places: Vec<Place>, lease: Option<Lease>, standing: Standing) -> Option<Hold> {
        let standing = Some(standing).filter(|standing| !standing.is_empty());
        let is_empty = places.is_empty() && lease.is_none() && standing.is_none();
        let held = Self {
            standing,
            _places: places,
            _lease: lease,
        };
        (!is_empty).then(|| -> Hold { Box::new(held) })
    }
}

impl Held for Admitted {
    fn standing(&mut self) -> Option<Standing> {
        self.standing.take()
    }
}
