//! Servers that want a token of OAuth: how the gateway gets one by itself, by a login, and what it does not do.

mod by_callers;
mod by_exchange;
mod by_itself;
mod by_login;
mod documents;
mod gone_callers;
mod lasting;
mod place;
mod wrong;
