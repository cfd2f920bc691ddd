//! The catalog through its public face.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "it/arrival.rs"]
mod arrival;
#[path = "it/catalog.rs"]
mod catalog;
#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/overrides.rs"]
mod overrides;
#[path = "it/remembered.rs"]
mod remembered;
#[path = "it/replay.rs"]
mod replay;
#[path = "it/roles.rs"]
mod roles;
#[path = "it/safe_mode.rs"]
mod safe_mode;
#[path = "it/secrets.rs"]
mod secrets;
#[path = "it/size.rs"]
mod size;
#[path = "it/sync.rs"]
mod sync;
