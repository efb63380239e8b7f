//! Instances of Amazon's EC2, of one launch template, told apart by a tag. To drain one is to stop it: its shutdown stops the processor as
//! `systemctl stop` does, and a stopped one has nothing any more. Spot instances cannot be stopped; theirs is the shutdown of their end.

mod answer;
mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use model::Clock;
use scale::{Act, limits};
use url::form_urlencoded;

use super::provider::Seen;
use answer::Ports;
use signature::{Credentials, Signed};

const VERSION: &str = "2016-11-15";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The tag that an instance is known by.
const TAG: &str = "watchfire-fleet";
/// States of an instance that is still there.
const STATES: [&str; 5] = ["pending", "running", "stopping", "stopped", "shutting-down"];
/// Of a page.
const RESULTS_MAX: usize = 200;
const PAGES_MAX: usize = limits::FLEET_MAX.div_ceil(RESULTS_MAX) + 1;
const ANSWER_BYTES_MAX: usize = 8 << 20;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

#[derive(Args, Clone, Debug)]
pub struct Ec2Options {
    /// Region, as eu-central-1. Credentials are in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN
    #[arg(long = "ec2-region", env = "AWS_REGION", value_name = "REGION", required_if_eq("provider", "ec2"))]
    region: Option<String>,

    /// Name of the launch template that instances are made of
    #[arg(long = "ec2-launch-template", value_name = "NAME", required_if_eq("provider", "ec2"))]
    launch_template: Option<String>,

    /// What instances are tagged with, as watchfire-fleet: those with this tag are launched and ended, and no other
    #[arg(long = "ec2-fleet", value_name = "NAME", default_value = "watchfire-processors")]
    fleet: String,

    /// Port of /readyz of each instance, at its private address
    #[arg(long = "ec2-door", value_name = "PORT", default_value_t = 8102)]
    door: u16,

    /// Port of /metrics of each instance, at its private address
    #[arg(long = "ec2-metrics", value_name = "PORT", default_value_t = 9102)]
    metrics: u16,

    /// Where the API is, instead of https://ec2.REGION.amazonaws.com
    #[arg(long = "ec2-endpoint", value_name = "URL")]
    endpoint: Option<String>,
}

pub struct Ec2 {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Uri,
    region: String,
    launch_template: String,
    fleet: String,
    ports: Ports,
    credentials: Credentials,
    clock: Arc<dyn Clock>,
}

type Parameters = Vec<(String, String)>;

impl Ec2 {
    pub fn new(options: Ec2Options, clock: Arc<dyn Clock>) -> anyhow::Result<Ec2> {
        let credential = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let credentials = Credentials {
            key_id: credential("AWS_ACCESS_KEY_ID")?,
            secret: credential("AWS_SECRET_ACCESS_KEY")?,
            token: std::env::var("AWS_SESSION_TOKEN").ok().filter(|token| !token.is_empty()),
        };
        Ec2::with(options, credentials, clock)
    }

    fn with(options: Ec2Options, credentials: Credentials, clock: Arc<dyn Clock>) -> anyhow::Result<Ec2> {
        let region = options.region.context("--ec2-region: name the region")?;
        let is_region = region.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
        ensure!(is_region && !region.is_empty(), "--ec2-region: `{region}` is no region");
        let endpoint = options.endpoint.unwrap_or_else(|| format!("https://ec2.{region}.amazonaws.com"));
        Ok(Ec2 {
            client: Client::builder(TokioExecutor::new()).build(connector()?),
            endpoint: checked(&endpoint)?,
            region,
            launch_template: options.launch_template.context("--ec2-launch-template: name one")?,
            fleet: options.fleet,
            ports: Ports { door: options.door, metrics: options.metrics },
            credentials,
            clock,
        })
    }

    pub async fn fleet(&self) -> anyhow::Result<Vec<Seen>> {
        let mut fleet = self.instances().await?;
        if fleet.iter().any(|one| one.spot) {
            let taken = self.taken().await?;
            for one in &mut fleet {
                one.noticed = taken.contains(&one.id);
            }
        }
        Ok(fleet)
    }

    async fn instances(&self) -> anyhow::Result<Vec<Seen>> {
        let (mut fleet, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut parameters = vec![pair("MaxResults", RESULTS_MAX)];
            parameters.extend(filter(1, &format!("tag:{TAG}"), &[&self.fleet]));
            parameters.extend(filter(2, "instance-state-name", &STATES));
            parameters.extend(next.map(|token: String| pair("NextToken", token)));
            let answer = self.call("DescribeInstances", parameters).await?;
            let (page, more) = answer::instances(&answer, self.ports)?;
            fleet.extend(page);
            next = more;
            if next.is_none() {
                return Ok(fleet);
            }
        }
        bail!("DescribeInstances: there are more than {} instances", limits::FLEET_MAX)
    }

    async fn taken(&self) -> anyhow::Result<Vec<String>> {
        let marked = ["marked-for-termination", "marked-for-stop"];
        let mut parameters = filter(1, "status-code", &marked);
        parameters.push(pair("MaxResults", limits::FLEET_MAX.min(1_000)));
        answer::taken(&self.call("DescribeSpotInstanceRequests", parameters).await?)
    }

    pub async fn act(&self, act: &Act, fleet: &[Seen]) -> anyhow::Result<()> {
        match act {
            Act::Launch { count, spot: false } => self.launch(*count, false).await,
            Act::Launch { count, spot: true } => match self.launch(*count, true).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "no spot instances: others are launched");
                    self.launch(*count, false).await
                }
            },
            Act::Drain { ids } => {
                let is_spot = |id: &&String| fleet.iter().any(|one| one.id == **id && one.spot);
                let (spot, others): (Vec<&String>, Vec<&String>) = ids.iter().partition(is_spot);
                self.each("StopInstances", &others).await?;
                self.each("TerminateInstances", &spot).await
            }
            Act::Terminate { ids } => self.each("TerminateInstances", &ids.iter().collect::<Vec<_>>()).await,
            Act::Wait => Ok(()),
        }
    }

    /// The token makes that one request launches once, however often it arrives.
    async fn launch(&self, count: u32, spot: bool) -> anyhow::Result<()> {
        let token = format!("watchfire-{:032x}", fastrand::u128(..));
        let mut parameters = vec![
            pair("LaunchTemplate.LaunchTemplateName", &self.launch_template),
            // As many as there are: another decision asks for the rest.
            pair("MinCount", 1),
            pair("MaxCount", count),
            pair("ClientToken", token),
            pair("TagSpecification.1.ResourceType", "instance"),
            pair("TagSpecification.1.Tag.1.Key", TAG),
            pair("TagSpecification.1.Tag.1.Value", &self.fleet),
        ];
        if spot {
            parameters.push(pair("InstanceMarketOptions.MarketType", "spot"));
            parameters.push(pair("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time"));
        }
        self.call("RunInstances", parameters).await.map(drop)
    }

    async fn each(&self, action: &str, ids: &[&String]) -> anyhow::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let parameters = ids.iter().zip(1..).map(|(id, number)| pair(&format!("InstanceId.{number}"), id));
        self.call(action, parameters.collect()).await.map(drop)
    }

    /// The answer, where it is a success.
    async fn call(&self, action: &str, mut parameters: Parameters) -> anyhow::Result<String> {
        parameters.extend([pair("Action", action), pair("Version", VERSION)]);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let request = self.signed(body)?;
        let asked = async {
            let answer = self.client.request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            let text = String::from_utf8_lossy(&body).into_owned();
            match answer::refusal(&text) {
                _ if status.is_success() => Ok(text),
                Some((code, message)) => bail!("it answered {status}: {code}: {message}"),
                None => bail!("it answered {status}"),
            }
        };
        let answered = tokio::time::timeout(ANSWER_TIME_MAX, asked).await.context("no answer in time");
        answered.and_then(|answer| answer).with_context(|| action.to_owned())
    }

    fn signed(&self, body: String) -> anyhow::Result<Request<Full<Bytes>>> {
        let now = jiff::Timestamp::from_millisecond(self.clock.now().0)?;
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let host = self.endpoint.authority().context("the endpoint has a host")?.as_str();
        let signed = Signed {
            region: &self.region,
            service: "ec2",
            host,
            content_type: FORM,
            time: &time,
            body: body.as_bytes(),
        };
        let mut request = Request::post(self.endpoint.clone())
            .header(CONTENT_TYPE, FORM)
            .header("x-amz-date", &time)
            .header(AUTHORIZATION, signed.authorization(&self.credentials));
        if let Some(token) = &self.credentials.token {
            request = request.header("x-amz-security-token", token);
        }
        Ok(request.body(Full::new(Bytes::from(body)))?)
    }
}

/// By https, trusting whom the system trusts; without it on this machine alone.
fn connector() -> anyhow::Result<HttpsConnector<HttpConnector>> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
    Ok(builder.https_or_http().enable_http1().build())
}

fn checked(endpoint: &str) -> anyhow::Result<Uri> {
    let uri: Uri = format!("{}/", endpoint.trim_end_matches('/')).parse()?;
    let is_own = uri.host().is_some_and(|host| host == "127.0.0.1" || host == "localhost");
    let may_be = uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && is_own;
    ensure!(may_be && uri.path() == "/", "--ec2-endpoint: give it as https://HOST");
    Ok(uri)
}

fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn filter(number: usize, name: &str, values: &[&str]) -> Parameters {
    let mut parameters = vec![pair(&format!("Filter.{number}.Name"), name)];
    let values = values.iter().zip(1..);
    parameters.extend(values.map(|(value, of)| pair(&format!("Filter.{number}.Value.{of}"), value)));
    parameters
}
