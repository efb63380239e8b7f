//! Alerts that are told in a room: the room takes their teller in, and it says each once.

use model::chat::rights::RoomAction;
use model::chat::{Message, MessageKind};
use model::rights::Principal;
use model::{BotId, MessageId, RoomId};

use crate::{Chat, Post, Result};

/// Who says them, in every room.
const ALERTER: BotId = BotId::of(0x0061_6C65_7274);
pub(crate) const ALERTER_NAME: &str = "Alerts";

impl Chat {
    /// From now on the room may be told of alerts; for who may configure it.
    pub async fn take_alerts_in(&self, by: &Principal, room: RoomId) -> Result<()> {
        let seen = self.seen(by, room, RoomAction::Configure).await?;
        self.take_bot_in(&seen, ALERTER, ALERTER_NAME).await
    }

    /// Says it, once by that id. What is named stands as code, which nothing in it ends: so no page's address becomes a mark or a mention.
    pub async fn tell_alert(
        &self,
        room: RoomId,
        id: MessageId,
        named: &str,
        said: &str,
        href: Option<&str>,
    ) -> Result<Message> {
        let code = |text: &str| {
            format!("`{}`", text.replace('`', "ʼ").split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let mut body = format!("{}\n{}", code(named), code(said));
        if let Some(href) = href {
            body.push('\n');
            body.push_str(href);
        }
        let post = Post { id, kind: MessageKind::Text, body, thread: None, files: Vec::new() };
        Ok(self.post(&Principal::Bot { id: ALERTER }, room, post).await?.message)
    }
}
