//! What a decision is made of: one number each, with its unit and where it is from. What is not known is none, and never zero.

use serde::{Deserialize, Serialize};

/// One of the inputs, as documents and logs speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    pub name: &'static str,
    pub unit: &'static str,
    /// A metric of a process, the provider of instances, or what the autoscaler remembers.
    pub source: &'static str,
    pub what: &'static str,
}

macro_rules! inputs {
    ($($name:ident: $unit:literal, $source:literal, $what:literal;)+) => {
        /// All that a decision looks at. Whoever measures fills in what is measured; the autoscaler adds what it remembers.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Inputs {
            $(#[doc = $what] #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<f64>,)+
        }

        impl Inputs {
            pub const TABLE: &[Input] = &[
                $(Input { name: stringify!($name), unit: $unit, source: $source, what: $what },)+
            ];

            /// In the order of the table.
            pub fn values(&self) -> Vec<Option<f64>> {
                vec![$(self.$name,)+]
            }
        }
    };
}

inputs! {
    // What waits.
    queue_messages: "messages", "watchfire_bus_depth_messages", "messages on the bus that no processor has acknowledged";
    queue_bytes: "bytes", "watchfire_bus_depth_bytes", "their bytes, estimated where the bus is RabbitMQ";
    queue_fill: "share", "queue_bytes of --bus-bytes-max", "how full the bus is";
    queue_slope: "messages/s", "remembered", "how fast the queue grows";
    queue_seconds: "s", "queue_messages, hits_a_message, capacity", "how long the fleet that serves takes to process what waits, and nothing else";
    hits_a_message: "hits", "watchfire_collector_batch_hits", "hits that share a message";
    spooled_bytes: "bytes", "watchfire_bus_spooled_bytes", "what collectors keep while the broker is away";
    publish_failures: "1/s", "watchfire_bus_failures_total", "publishes that failed";
    publish_seconds: "s", "watchfire_collector_publish_seconds", "a publish, its 95th percentile";
    dead_letters: "1/s", "watchfire_bus_dead_letters_total", "messages set aside";
    // What comes and what is done.
    hits_rate: "hits/s", "watchfire_hits_total{outcome=\"accepted\"}", "hits accepted at the door since the decision before";
    refused_rate: "requests/s", "watchfire_requests_refused_total", "requests refused at the door, a full bus among the reasons";
    processed_rate: "hits/s", "watchfire_processed_hits_total", "hits processed";
    drops_rate: "hits/s", "watchfire_drops_total", "hits dropped with a reason";
    rate_now: "hits/s", "remembered", "what comes: the mean of three minutes, or what both of the last two readings reached";
    rate_slope: "hits/s a minute", "remembered", "how fast that changes";
    rate_highest: "hits/s", "remembered", "the highest of the last quiet time";
    present_visitors: "visitors", "watchfire_present_visitors", "visitors present now";
    // What was in the weeks before.
    hour_of_week: "hours", "clock", "since Monday 00:00 UTC";
    expected_now: "hits/s", "remembered weeks", "what came at this time of earlier weeks";
    expected_soon: "hits/s", "remembered weeks", "the highest expected until an instance launched now would serve";
    expected_later: "hits/s", "remembered weeks", "the highest expected within the time that ending an instance has to pay off";
    level: "share", "remembered", "today against the weeks before";
    // How late it is.
    processing_seconds: "s", "watchfire_processor_delay_seconds", "from received to committed, the 95th percentile";
    flush_seconds: "s", "watchfire_processor_flush_seconds", "an append and commit, the 95th percentile";
    takeover_seconds: "s", "watchfire_processor_takeover_seconds", "a shard taken over, the 95th percentile";
    push_seconds: "s", "watchfire_push_seconds", "from committed to sent to dashboards, the 95th percentile";
    connections: "dashboards", "watchfire_connections", "dashboards connected";
    // The machines.
    cpu_mean: "share", "watchfire_process_cpu_seconds", "of a processor's cores that it uses, the mean of those that serve";
    cpu_highest: "share", "watchfire_process_cpu_seconds", "the same of the busiest";
    memory_highest: "share", "watchfire_process_resident_bytes", "of --instance-memory that the largest uses";
    unreachable: "processes", "asked for /metrics", "that gave no answer";
    shards: "shards", "--shards", "of the bus: more processors than shards have nothing to do";
    shards_held: "shards", "watchfire_processor_shards", "that a processor works on";
    // The fleet.
    serving: "instances", "provider, /readyz", "that serve";
    starting: "instances", "provider, /readyz", "launched, and not serving yet";
    late: "instances", "remembered", "starting for more than three times as long as it takes";
    draining: "instances", "provider", "that give up what they have";
    noticed: "instances", "provider", "spot instances that will be taken";
    spot: "instances", "provider", "spot instances that serve";
    lost_in_hour: "instances", "remembered", "gone within the hour without having been drained";
    oldest_seconds: "s", "provider", "age of the oldest";
    youngest_seconds: "s", "provider", "age of the youngest";
    boot_seconds: "s", "remembered", "from launch to serving, as measured; until then --boot";
    drain_seconds: "s", "remembered", "from drain to drained, as measured";
    since_launch: "s", "remembered", "since something was launched";
    since_drain: "s", "remembered", "since something was drained";
    // Money.
    price_hour: "price an hour", "--price, --spot-price", "what the fleet costs";
    paid_seconds: "s", "provider, --billed", "until the next hour of an instance is paid for";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_to_fifty_each_with_its_unit_and_source() {
        assert!((30..=50).contains(&Inputs::TABLE.len()), "{}", Inputs::TABLE.len());
        for input in Inputs::TABLE {
            assert!(
                !input.unit.is_empty() && !input.source.is_empty() && !input.what.is_empty(),
                "{}",
                input.name
            );
        }
        assert_eq!(Inputs::default().values().len(), Inputs::TABLE.len());
    }

    #[test]
    fn each_is_documented_as_it_is() {
        let document = include_str!("../../docs/autoscale.md");
        for Input { name, unit, source, what } in Inputs::TABLE {
            let row = format!("| `{name}` | {unit} | {source} | {what} |");
            assert!(document.lines().any(|line| line == row), "docs/autoscale.md lacks {row}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out_and_read_back_as_none() {
        let inputs = Inputs { hits_rate: Some(2.5), ..Default::default() };
        let text = serde_json::to_string(&inputs).unwrap();
        assert_eq!(text, r#"{"hits_rate":2.5}"#);
        assert_eq!(serde_json::from_str::<Inputs>(&text).unwrap(), inputs);
    }
}
