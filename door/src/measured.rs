//! What a service answers, counted and timed: one of the signals that operators watch.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};
use tower::{Layer, Service};

/// In an answer's extensions: it was held back until there was something to say, or refused to be. Neither its time
/// nor its status says how the service is.
#[derive(Clone, Copy, Debug)]
pub struct Waited;

/// Counts the answers of these routes by the class of their status, and times them, up to their head.
pub fn measured(routes: Router, service: &'static str) -> Router {
    describe_counter!("watchfire_http_requests_total", "Requests answered, by service and class of status");
    describe_histogram!(
        "watchfire_http_seconds",
        Unit::Seconds,
        "From a request's head to that of its answer"
    );
    describe_counter!("watchfire_panics_total", "Requests that ended in a panic");
    counter!("watchfire_panics_total").absolute(0);
    routes.layer(Measured(Arc::new(Meters::of(service))))
}

/// Looked up once: a request costs two additions and a reading of the clock.
struct Meters {
    /// 1xx to 5xx.
    classes: [Counter; 5],
    seconds: Histogram,
}

impl Meters {
    fn of(service: &'static str) -> Meters {
        let class = |class: &'static str| counter!("watchfire_http_requests_total", "service" => service, "class" => class);
        Meters {
            classes: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(class),
            seconds: histogram!("watchfire_http_seconds", "service" => service),
        }
    }

    fn answered(&self, answer: &Response, began: Instant) {
        if answer.extensions().get::<Waited>().is_some() {
            return;
        }
        let class = usize::from(answer.status().as_u16() / 100);
        if let Some(counter) = self.classes.get(class.wrapping_sub(1)) {
            counter.increment(1);
        }
        self.seconds.record(began.elapsed());
    }
}

#[derive(Clone)]
struct Measured(Arc<Meters>);

impl<S> Layer<S> for Measured {
    type Service = MeasuredService<S>;

    fn layer(&self, inner: S) -> MeasuredService<S> {
        MeasuredService { inner, meters: self.0.clone() }
    }
}

#[derive(Clone)]
struct MeasuredService<S> {
    inner: S,
    meters: Arc<Meters>,
}

impl<S> Service<Request> for MeasuredService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (meters, began) = (self.meters.clone(), Instant::now());
        let answering = self.inner.call(request);
        Box::pin(async move {
            let answer = answering.await?;
            meters.answered(&answer, began);
            Ok(answer)
        })
    }
}
