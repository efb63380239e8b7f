//! processor
pub mod pages;
pub mod presence;
pub mod recent;
pub mod strings;
pub mod visits;
