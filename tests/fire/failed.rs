//! Seeds that failed once, each named after the reason that was found. `make fire FIRE=failed` runs them all.

use crate::{Form, burn};

/// A test a seed: its name, the seed, and how much fire it was.
macro_rules! failed {
    ($($name:ident: $seed:literal, $form:expr;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "a seed that failed once: make fire FIRE=failed"]
            async fn $name() {
                burn($seed, $form).await;
            }
        )+
    };
}

failed! {
    // A processor was killed between taking the turn of the tail and committing: nobody appended for a minute.
    a_processor_dies_with_the_turn_of_the_tail: 4203638126673523208, Form::SHORT;
    // A processor took shards while it could not reach Redis, and ended.
    a_processor_takes_shards_without_redis: 5243219258685230212, Form::long(2.0);
    // What came late of pages that had left made their visitors present again, after another processor took over; and
    // dashboards went on showing minutes that an emptied Redis had lost.
    late_hits_of_pages_that_left: 16678969266428988259, Form::long(5.0);
    // A collector's clock was set back, and it refused every site's hits until the clock had caught up.
    a_collectors_clock_is_set_back: 18399166680619345278, Form::long(2.5);
    a_collectors_clock_is_set_back_by_a_little: 14318006263882482066, Form::SHORT;
}
