//! Promises of `Accounts` about tokens and share links.
