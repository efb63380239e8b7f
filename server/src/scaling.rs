//! What `watchfire autoscale` and `watchfire simulate` are told of instances: how many, what one can do, what it costs.

use anyhow::bail;
use clap::{Args, ValueEnum};
use scale::{Billed, Settings};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Billing {
    /// Each hour that an instance began
    Hour,
    /// Each second, a minute at least
    Second,
}

#[derive(Args, Clone, Debug)]
pub struct ScaleOptions {
    /// Instances at least, none of them spot
    #[arg(long, env = "WATCHFIRE_SCALE_LEAST", value_name = "N", default_value_t = 2)]
    pub least: u32,

    /// Instances at most
    #[arg(long, env = "WATCHFIRE_SCALE_MOST", value_name = "N", default_value_t = 32)]
    pub most: u32,

    /// Hits a second that one instance processes when it does nothing else
    #[arg(long, env = "WATCHFIRE_SCALE_CAPACITY", value_name = "HITS", default_value_t = 10_000.0)]
    pub capacity: f64,

    /// The share of that which is planned for
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    pub busy: f64,

    /// Seconds after which processing is late
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub late: f64,

    /// Seconds from launch to serving, until it was measured
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0)]
    pub boot: f64,

    /// Seconds for which load must have been lower before an instance is ended; five boots at least
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0)]
    pub quiet: f64,

    /// Do not believe the weeks before
    #[arg(long)]
    pub no_forecast: bool,

    /// Launch spot instances beyond the least
    #[arg(long)]
    pub spot: bool,

    /// Price of an instance an hour
    #[arg(long, env = "WATCHFIRE_SCALE_PRICE", value_name = "PRICE", default_value_t = 0.1)]
    pub price: f64,

    /// Price of a spot instance an hour
    #[arg(long, env = "WATCHFIRE_SCALE_SPOT_PRICE", value_name = "PRICE", default_value_t = 0.03)]
    pub spot_price: f64,

    /// What is paid for
    #[arg(long, value_name = "WHAT", value_enum, default_value = "second")]
    pub billed: Billing,
}

impl ScaleOptions {
    /// With `every` seconds between two decisions.
    pub fn settings(&self, every: f64) -> anyhow::Result<Settings> {
        let settings = Settings {
            instances_min: self.least,
            instances_max: self.most,
            capacity: self.capacity,
            busy: self.busy,
            late: self.late,
            every,
            boot: self.boot,
            quiet: self.quiet,
            forecast: !self.no_forecast,
            spot: self.spot,
            price: self.price,
            spot_price: self.spot_price,
            billed: match self.billed {
                Billing::Hour => Billed::Hour,
                Billing::Second => Billed::Second,
            },
        };
        match settings.problem() {
            Some(problem) => bail!("these settings make no sense: {problem}"),
            None => Ok(settings),
        }
    }
}
