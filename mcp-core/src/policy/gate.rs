//! What a policy is made of.

use super::{Asked, Door, Record, Refusal};
use mcp_common::authenticator::Principal;

/// Something that a request took, and that is given back by dropping it.
pub type Hold = Box<dyn Send + Sync>;

/// Decides, counts or remembers. All of it happens on the way of every request: nothing here waits.
pub trait Gate: Send + Sync {
    /// Before anything of the request but its headers is read.
    fn enter(&self, door: Door, principal: &Principal) -> Result<(), Refusal> {
        let _ = (door, principal);
        Ok(())
    }

    /// Before it is answered. What is returned is held until the answer is complete: for a stream, until that ends.
    fn admit(&self, asked: &Asked<'_>) -> Result<Option<Hold>, Refusal> {
        let _ = asked;
        Ok(None)
    }

    /// After the answer was made, or the client went away.
    fn over(&self, record: &Record) {
        let _ = record;
    }
}
