//! Whether every node answers and the broker is as this installation needs it. Makes nothing, changes nothing, takes nothing.

use std::time::Duration;

use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, ErrorKind};
use tokio::time::timeout;

use super::AmqpBus;
use super::link::Link;

/// All questions to one node are answered within this.
const ANSWERS_MAX: Duration = Duration::from_secs(10);

impl AmqpBus {
    /// A sentence for each thing that is wrong, with what to do.
    pub async fn examine(&self) -> Vec<String> {
        let (links, mut problems) = self.shared.dialer.greet_each().await;
        let Some((link, vhost)) = links.first() else {
            return problems;
        };
        match timeout(ANSWERS_MAX, self.examine_over(link, vhost)).await {
            Ok(found) => problems.extend(found),
            Err(_) => {
                problems.push(format!("RabbitMQ did not answer within {ANSWERS_MAX:?}: look at its log"))
            }
        }
        for (link, _) in &links {
            link.close().await;
        }
        problems
    }

    async fn examine_over(&self, link: &Link, vhost: &str) -> Vec<String> {
        let (topology, mut problems) = (&self.shared.topology, Vec::new());
        let mut is_whole = true;
        for name in topology.queues() {
            match passively(link, &name).await {
                Ok(()) => {}
                Err(error) if code(&error) == Some(404) => {
                    is_whole = false;
                    problems.push(format!(
                        "the queue `{name}` is not there: start a process of this installation, which makes it"
                    ));
                }
                Err(error) => {
                    is_whole = false;
                    problems.push(format!("the queue `{name}` cannot be asked for ({error})"));
                }
            }
        }
        if is_whole && let Err(refused) = topology.declare(link, vhost).await {
            problems.push(format!("{refused}; least rights are in docs/operating.md"));
        }
        if is_whole {
            problems.extend(self.refused_reading(link).await);
        }
        problems.extend(self.refused_writing(link).await);
        problems
    }

    /// Publishes to a queue that nobody has: it goes nowhere.
    async fn refused_writing(&self, link: &Link) -> Option<String> {
        let nowhere = format!("{}.nowhere", self.shared.options.prefix);
        let published = async {
            let channel = link.channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            let options = BasicPublishOptions::default();
            let confirm =
                channel.basic_publish("".into(), nowhere.into(), options, b"", BasicProperties::default());
            confirm.await?.await?;
            channel.close(200, "examined".into()).await
        };
        let error: lapin::Error = published.await.err()?;
        Some(format!(
            "the user may not write to `amq.default` ({error}): rabbitmqctl set_permissions, see least rights in docs/operating.md"
        ))
    }

    /// Reads from the queue that is always empty.
    async fn refused_reading(&self, link: &Link) -> Option<String> {
        let queue = self.shared.topology.count();
        let read = async {
            let channel = link.channel().await?;
            let options = BasicConsumeOptions::default();
            let consumer = channel
                .basic_consume(queue.as_str().into(), "examined".into(), options, FieldTable::default())
                .await?;
            channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
            channel.close(200, "examined".into()).await
        };
        let error: lapin::Error = read.await.err()?;
        Some(format!(
            "the user may not read `{queue}` ({error}): rabbitmqctl set_permissions, see least rights in docs/operating.md"
        ))
    }
}

async fn passively(link: &Link, name: &str) -> lapin::Result<()> {
    // Its own channel: a refusal ends it.
    let channel = link.channel().await?;
    let options = QueueDeclareOptions { passive: true, ..Default::default() };
    channel.queue_declare(name.into(), options, FieldTable::default()).await?;
    channel.close(200, "examined".into()).await
}

fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(said) => Some(said.get_id()),
        _ => None,
    }
}
