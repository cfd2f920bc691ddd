//! What holds for counting in Redis, against a real server.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

#[path = "servers"]
mod servers {
    #![allow(dead_code, reason = "each test binary uses another part of them")]
    pub(crate) mod certificates;
    pub(crate) mod process;
    pub(crate) mod redis;
}

mod redis {
    mod clock;
    mod counting;
    mod tally;
    mod trouble;
}
