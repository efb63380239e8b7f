//! Promises of `Accounts` about members and roles.
