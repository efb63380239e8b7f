//! What EC2 answers, read from its XML.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, ensure};
use model::Millis;
use roxmltree::{Document, Node};
use scale::{Stage, limits};

use crate::autoscale::provider::Seen;

/// Where processors of each instance listen.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub door: u16,
    pub metrics: u16,
}

/// Instances of one page, and what the next page is asked for with.
pub fn instances(text: &str, ports: Ports) -> anyhow::Result<(Vec<Seen>, Option<String>)> {
    let document = Document::parse(text)?;
    let root = document.root_element();
    let items = items(root, "reservationSet").flat_map(|reservation| items(reservation, "instancesSet"));
    let seen = items.map(|item| instance(item, ports)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok((seen.into_iter().flatten().collect(), text_of(root, "nextToken").map(str::to_owned)))
}

/// None: it is gone.
fn instance(item: Node<'_, '_>, ports: Ports) -> anyhow::Result<Option<Seen>> {
    let id = text_of(item, "instanceId").context("an instance has no id")?;
    ensure!(is_id(id), "an instance has an id of a kind that is not known");
    let state = child(item, "instanceState").and_then(|state| text_of(state, "name"));
    let stage = match state.with_context(|| format!("{id} has no state"))? {
        "pending" | "running" => None,
        "stopping" | "shutting-down" => Some(Stage::Draining),
        "stopped" => Some(Stage::Drained),
        _ => return Ok(None),
    };
    let since: jiff::Timestamp = text_of(item, "launchTime").unwrap_or_default().parse()?;
    let address: Option<IpAddr> = text_of(item, "privateIpAddress").and_then(|text| text.parse().ok());
    Ok(Some(Seen {
        id: id.to_owned(),
        since: Millis(since.as_millisecond()),
        spot: text_of(item, "instanceLifecycle") == Some("spot"),
        noticed: false,
        stage,
        door: address.map(|address| SocketAddr::new(address, ports.door)),
        metrics: address.map(|address| SocketAddr::new(address, ports.metrics)),
    }))
}

/// Instances whose spot requests say that they will be taken.
pub fn taken(text: &str) -> anyhow::Result<Vec<String>> {
    let document = Document::parse(text)?;
    let requests = items(document.root_element(), "spotInstanceRequestSet");
    let is_taken = |request: &Node<'_, '_>| {
        let code = child(*request, "status").and_then(|status| text_of(status, "code"));
        matches!(code, Some("marked-for-termination" | "marked-for-stop"))
    };
    let ids = requests.filter(is_taken).filter_map(|request| text_of(request, "instanceId"));
    Ok(ids.map(str::to_owned).collect())
}

/// Code and sentence of a refusal.
pub fn refusal(text: &str) -> Option<(String, String)> {
    let document = Document::parse(text).ok()?;
    let error = document.descendants().find(|node| node.has_tag_name("Error"))?;
    let part = |name| text_of(error, name).unwrap_or_default().chars().take(300).collect();
    Some((part("Code"), part("Message")))
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &'a str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn text_of<'a>(node: Node<'a, '_>, name: &'a str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|text| !text.is_empty())
}

fn items<'a, 'input>(node: Node<'a, 'input>, set: &'a str) -> impl Iterator<Item = Node<'a, 'input>> {
    let children = child(node, set).into_iter().flat_map(|set| set.children());
    children.filter(|item| item.tag_name().name() == "item")
}

fn is_id(id: &str) -> bool {
    id.starts_with("i-")
        && id.len() <= limits::NAME_CHARS_MAX
        && id.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')
}
