//! The sites, who may what on them, and the salts. Each trait stands in its own file.

use std::sync::Arc;

use super::database::Database;

pub struct Registry(pub Arc<Database>);
