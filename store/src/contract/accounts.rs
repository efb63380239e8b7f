//! Promises of `Accounts` about people and their sign-ins.
