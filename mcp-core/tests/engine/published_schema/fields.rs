//! Which members a type reads, as its `Deserialize` says.

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor, value},
    forward_to_deserialize_any,
};
use std::{cell::RefCell, collections::BTreeSet};

/// Asked for a struct, remembers the names of its fields.
struct Recorder<'a>(&'a RefCell<BTreeSet<&'static str>>);

impl<'de> Deserializer<'de> for Recorder<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, value::Error> {
        self.0.borrow_mut().extend(fields);
        Err(Error::custom("enough"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(Error::custom("not a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

pub(super) fn fields_of<'de, T: Deserialize<'de>>() -> BTreeSet<&'static str> {
    let fields = RefCell::new(BTreeSet::new());
    assert!(T::deserialize(Recorder(&fields)).is_err());
    let fields = fields.into_inner();
    assert!(!fields.is_empty());
    fields
}
