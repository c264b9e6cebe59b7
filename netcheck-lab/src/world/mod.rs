//! A small internet in network namespaces: client, two routers, and the platform with its real names and addresses.

mod certificates;
pub mod faults;
mod internet;
mod isolate;
pub mod matrix;
pub mod names;
mod options;
mod place;
pub mod probe;
pub mod product;
pub mod scenario;
pub mod series;
mod services;
mod topology;
mod wait;

pub use internet::{FILES, World};
pub use isolate::{ends_with_parent, isolate, isolated};
pub use options::Options;
pub use place::{Place, output_of};
pub use topology::{Network, ROUTER1};
pub use wait::{listening, taking};
