//! The maxima of this crate.

/// Instances that one autoscaler looks after at most; further ones are not seen.
pub const FLEET_MAX: usize = 1_024;
/// Instances that one decision launches at most.
pub const LAUNCH_MAX: u32 = 20;
/// Rates that are remembered at most: an hour of one every second.
pub const RECENT_MAX: usize = 3_600;
/// Moments of lost instances that are remembered at most.
pub const LOSSES_MAX: usize = 1_024;
/// Characters of an instance's name.
pub const NAME_CHARS_MAX: usize = 128;
