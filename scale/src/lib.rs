//! How many processors there should be: about once a minute what is known of the cluster (`inputs`) becomes a decision to launch,
//! to drain, to terminate or to wait, with its reason. Pure: the time is passed in, and whoever asks acts.
//! Never does I/O, never reads a clock, never ends an instance that is not drained.
//!
//! ```text
//! Inputs + fleet ──remembered (recent, forecast, fleet)──▶ Inputs, whole ──need──▶ how many ──decide──▶ Act + Reason ──▶ Record
//! ```

pub mod decision;
pub mod fleet;
pub mod forecast;
pub mod inputs;
pub mod limits;
mod need;
pub mod policy;
mod recent;
pub mod record;
pub mod settings;
pub mod simulation;

mod autoscaler;

pub use autoscaler::Autoscaler;
pub use decision::{Act, Decision, Reason};
pub use fleet::{Instance, Stage};
pub use forecast::Forecast;
pub use inputs::Inputs;
pub use policy::Policy;
pub use record::Record;
pub use settings::{Billed, Settings};
