//! What happens is told: over a stream, and to webhooks.

mod stream;
mod told;
mod webhooks;
