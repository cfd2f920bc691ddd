//! Walks a JSON text once, without building it, and refuses what `serde_json` would silently accept.

use super::MAX_DEPTH;
use crate::problem::Problem;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::{cell::RefCell, collections::HashSet, fmt};

/// Checks that the text is one JSON object without repeated members and not nested too deeply.
pub(super) fn check(text: &str) -> Result<(), Problem> {
    let place = RefCell::new(Vec::new());
    let mut input = serde_json::Deserializer::from_str(text);
    Walk {
        place: &place,
        depth: 0,
    }
    .deserialize(&mut input)
    .and_then(|()| input.end())
    .map_err(|error| Problem::at(place.borrow().concat().trim_start_matches('.'), error.to_string()))
}

struct Walk<'a> {
    place: &'a RefCell<Vec<String>>,
    depth: usize,
}

impl Walk<'_> {
    /// Anything but an object stands inside of one. What stands here instead is not repeated: it may be a secret that lacks its braces.
    fn inner<E: Error>(&self) -> Result<(), E> {
        match self.depth {
            0 => Err(E::custom("expected a JSON object")),
            _ => Ok(()),
        }
    }

    /// The place stays behind on an error, so that it can be named.
    fn inside<T, E>(&self, step: String, next: impl FnOnce(Walk<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: Error,
    {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.place.borrow_mut().push(step);
        let value = next(Walk {
            place: self.place,
            depth: self.depth + 1,
        })?;
        self.place.borrow_mut().pop();
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(A::Error::custom(format!("the member `{name}` appears twice")));
            }
            self.inside(format!(".{name}"), |walk| map.next_value_seed(walk))?;
            seen.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.inner()?;
        let mut index = 0_usize;
        while self
            .inside(format!("[{index}]"), |walk| items.next_element_seed(walk))?
            .is_some()
        {
            index += 1;
        }
        // The step that found the end was popped like any other.
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.inner()
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.inner()
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.inner()
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.inner()
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.inner()
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.inner()
    }
}
