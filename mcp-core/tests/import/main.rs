//! Importing descriptions: what they come to, and what a second import does.
#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

mod composed;
mod details;
mod formats;
mod names;
mod refusals;
mod requests;
mod security;
mod selection;
mod updates;
mod workshop;
