//! Every maximum of what forges tell, by name.

use std::time::Duration;

/// Bytes of one delivery's body: what GitHub sends at most.
pub const BODY_BYTES_MAX: usize = 25 * 1024 * 1024;
/// Bytes of a delivery's id.
pub const DELIVERY_ID_BYTES_MAX: usize = 128;
/// Bytes of a secret that deliveries are signed with.
pub const SECRET_BYTES_MAX: usize = 256;
/// How far the moment of a signature may lie from ours, either way (Standard Webhooks).
pub const SIGNATURE_AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// Signatures of one delivery that are looked at: while a secret is replaced there are two.
pub const SIGNATURES_MAX: usize = 4;

/// Branches and tags that one delivery is about; further ones are left out.
pub const PUSHES_A_DELIVERY_MAX: usize = 50;
/// Commits of one push that are kept; further ones are counted. GitHub sends no more.
pub const COMMITS_A_PUSH_MAX: usize = 2_048;
/// Commits of one push that a room, or a conversation in it, shows each by itself; more fold into one.
pub const COMMITS_TOLD_MAX: usize = 10;

/// Bytes of a person's, a repository's, a branch's, a tag's or a release's name; a longer one is cut, with a mark.
pub const NAME_BYTES_MAX: usize = 200;
/// Bytes of a commit's id: a SHA-256 in hexadecimal digits.
pub const ID_BYTES_MAX: usize = 64;
/// Bytes of a commit's message or a release's text; a longer one is cut, with a mark.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a message's first line in a room; a longer one is cut, with a mark.
pub const SUBJECT_BYTES_MAX: usize = 200;
/// Bytes of a link; a longer one is none. So that a heading with all its links is a message.
pub const LINK_BYTES_MAX: usize = 500;

/// Conversations that one message refers to; further ones are left out.
pub const REFERENCES_MAX: usize = 20;
/// Patterns of one filter, and bytes of one.
pub const PATTERNS_MAX: usize = 20;
pub const PATTERN_BYTES_MAX: usize = 200;
