//! The `watchfire` binary as a library: command line, settings, composition, demo and replay.
//! Never holds logic of a service: it opens backends, hands them over, and stops all in order.

pub mod access_log;
pub mod autoscale;
pub mod backends;
pub mod backup;
pub mod command;
pub mod deadletters;
pub mod demo;
pub mod doctor;
pub mod export;
pub mod health;
pub mod hook;
pub mod import;
pub mod logs;
pub mod memory;
pub mod monitoring;
pub mod moving;
pub mod replay;
pub mod report;
pub mod scaling;
pub mod sender;
pub mod serve;
pub mod settings;
pub mod simulate;
pub mod supervisor;
pub mod tail;
pub mod traces;
pub mod uri;
