//! Every maximum of the judging of messages, by name. What of a message is looked at is `model::limits::MESSAGE_BYTES_MAX`.

/// Bytes that a message may have grown to in plain letters (one character of Arabic can stand for eighteen); what follows is not looked at.
pub const PLAIN_BYTES_MAX: usize = 2 * model::limits::MESSAGE_BYTES_MAX;
/// Words and pairs of words that are looked at in one message: as many as the longest can have.
pub const FEATURES_MAX: usize = 8_192;
/// Words that are weighed together. A long message is weighed part by part, and its worst part counts: neither do a few words of a long report add up,
/// nor does spam vanish in a long text around it.
pub const PART_WORDS_MAX: usize = 64;
/// Different features that are learned of one message.
pub const LEARNED_FEATURES_MAX: usize = 256;
/// Counters of one site, for ham and for spam each.
pub const BUCKETS: usize = 8_192;
/// Messages of each verdict that one site learns, and what a counter holds at most.
pub const LEARNED_TEXTS_MAX: u32 = 1_000_000;
/// Bytes of what one site learned, and of one correction.
pub const LEARNED_BYTES_MAX: usize = 64 * 1024;
pub const DELTA_BYTES_MAX: usize = 1_024;
/// Bytes of a word or a hostname; of a longer one the beginning counts.
pub const WORD_BYTES_MAX: usize = model::limits::WORD_BYTES_MAX;
pub const HOST_BYTES_MAX: usize = model::limits::HOSTNAME_BYTES_MAX;
/// Reasons that an opinion gives, and words of one reason.
pub const BECAUSE_MAX: usize = 3;
pub const BECAUSE_WORDS_MAX: usize = 3;
