//! Promises of `Accounts` about invitations.
