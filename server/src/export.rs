//! Rows of a site's history as files.

pub mod row;
