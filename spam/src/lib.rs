//! Whether what a stranger writes is spam: words and signs weighed by what this program knows from the start, and by what people of
//! the site said of earlier messages. Pure: a text in, an opinion out; what is learned is counts that add up in any order.
//! Never does I/O, never reads a clock, never decides what happens to a message.
//!
//! ```text
//! text ──plain──▶ lower case, lookalikes unmasked ──reading──▶ signs, words, pairs ──judge──▶ Opinion { held, score, because }
//!                                                                   └──learned──▶ Delta ──add──▶ Learned ──▲
//! ```

mod alike;
mod feature;
mod judge;
mod learned;
mod lexicon;
pub mod limits;
mod links;
mod lookalikes;
mod machine;
mod numbers;
mod opinion;
mod plain;
mod reading;
mod sign;

pub use alike::Looks;
pub use judge::{HELD_FROM, Judge};
pub use learned::{Delta, Full, Learned, Unreadable, Verdict};
pub use opinion::{Because, Opinion};
pub use sign::Sign;
