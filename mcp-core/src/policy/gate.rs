//! What a policy is made of.

use super::{Answer, Asked, Door, Record, Refusal, Standing};
use futures_util::future::BoxFuture;
use mcp_common::authenticator::Principal;

/// Something that a request took, and that is given back by dropping it.
pub type Hold = Box<dyn Held>;

/// What a gate says that has to ask somebody else first.
pub type Waiting<'a> = BoxFuture<'a, Result<Option<Hold>, Refusal>>;

/// What a gate keeps of a request that it let in.
pub trait Held: Send + Sync {
    /// What the request was answered with. Not called where it was given up before there was an answer.
    fn answered(&mut self, answer: &Answer<'_>) {
        let _ = answer;
    }

    /// Where the caller stands with the limits that the request counted for; asked once.
    fn standing(&mut self) -> Option<Standing> {
        None
    }
}

/// Decides, counts or remembers. All of it happens on the way of every request: nothing here waits, but where
/// [`admit_waiting`](Self::admit_waiting) says so.
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

    /// The same for a call about which somebody else has to be asked; `None`, for all others, costs nothing, and `admit` says it then.
    fn admit_waiting<'a>(&'a self, asked: &'a Asked<'_>) -> Option<Waiting<'a>> {
        let _ = asked;
        None
    }

    /// After one of the gates, or the rules for `/admin`, refused what was asked for.
    fn refused(&self, asked: &Asked<'_>, refusal: &Refusal) {
        let _ = (asked, refusal);
    }

    /// After the answer was made, or the client went away.
    fn over(&self, record: &Record) {
        let _ = record;
    }
}
