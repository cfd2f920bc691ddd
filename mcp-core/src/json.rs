//! JSON as text: read strictly, taken apart, pointed into.

pub(crate) mod canonical;
pub(crate) mod members;
pub(crate) mod one_line;
pub(crate) mod place;
pub(crate) mod pointer;
mod quoted;
pub(crate) mod reader;
pub(crate) mod shortened;
pub(crate) mod strict_value;
pub(crate) mod text;
pub(crate) mod tree;

pub(crate) use quoted::quoted;
