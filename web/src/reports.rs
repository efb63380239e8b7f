//! Questions to a site's history, as pages, programs and the command line ask them: read, held against their limits, and
//! put to the archive, which computes the numbers.

mod ask;
mod earlier;
mod export;
mod headline;
mod http;
mod imported;
pub(crate) mod properties;
pub(crate) mod question;
pub(crate) mod range;
mod rate;
pub(crate) mod refused;
mod said;
mod table;
mod together;
mod within;

pub use ask::{Moment, ask};
pub(crate) use export::file;
pub(crate) use headline::{Headline, headline};
pub(crate) use http::{json_of, limit_rate, post};
pub use imported::{DayRow, date_of, dimensions, number_of};
pub use question::{QUESTIONS_MAX, Question, name as metric_name};
pub(crate) use rate::Rate;
#[cfg(test)]
pub(crate) use rate::{BURST, CALM_BURST, OPENING_BURST, ROOM_BURST, STRANGER_BURST};
pub use said::{Answer, Told};
pub use table::{Cell, Table};
pub use within::Within;
