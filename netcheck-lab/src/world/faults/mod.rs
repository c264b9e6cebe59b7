//! What a scenario breaks, and how it is put in place.

mod answers;
pub mod client_hello;
mod engine;
pub mod initial;
mod inline;
mod inspection;
mod middlebox;
mod name_filter;
mod proxy;
mod queue;
mod rules;

pub use answers::Answers;
pub use engine::Engine;
pub use inline::Inline;
pub use middlebox::Middlebox;
pub use proxy::Proxy;
pub use rules::Rules;
