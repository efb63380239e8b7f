//! The collector's routes over the real store and the real journal.

mod answers;
mod hostile;
mod senders;
mod sites;
mod without_scripts;
mod world;
