//! Files that people send to rooms: taken in piece by piece, looked at, kept; and given to whoever may read the room.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use model::chat::rights::RoomAction;
use model::chat::{File, FileType, Message, NewFile, Who};
use model::limits::{
    FILE_BYTES_MAX, FILE_NAME_BYTES_MAX, FILE_PART_BYTES, PICTURES_AT_ONCE_MAX, UPLOAD_TIME_MAX,
    UPLOADS_A_PERSON_MAX, UPLOADS_MAX, UPLOADS_OF_GUESTS_MAX,
};
use model::rights::Principal;
use model::{FileId, MessageId, RoomId, UploadId};
use parking_lot::Mutex;
use store::chat::Expected;
use tokio::sync::Semaphore;

use crate::pictures::{self, Remade};
use crate::{Chat, Refused, Result, random, who};

/// A file that somebody sends.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Made by the sender, sent again with the same one where no answer came.
    pub id: UploadId,
    /// As they call it; of a path the last part.
    pub name: String,
    /// Bytes that it says it has, if it says.
    pub bytes: Option<u64>,
}

/// What is under way in this process.
pub(crate) struct Desk {
    people: Mutex<HashMap<Who, usize>>,
    pictures: Semaphore,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk { people: Mutex::default(), pictures: Semaphore::new(PICTURES_AT_ONCE_MAX) }
    }
}

/// One upload under way.
struct Turn(Arc<Desk>, Who);

impl Desk {
    fn take(self: &Arc<Desk>, who: Who) -> Result<Turn> {
        let mut people = self.people.lock();
        let all: usize = people.values().sum();
        if all >= UPLOADS_MAX {
            return Err(Refused::Limit { what: "uploads under way at once", max: UPLOADS_MAX });
        }
        // Whoever has a link may be many: they leave room for others.
        let is_guest = |who: &Who| matches!(who, Who::Guest(_));
        let guests: usize = people.iter().filter(|(who, _)| is_guest(who)).map(|(_, own)| own).sum();
        if is_guest(&who) && guests >= UPLOADS_OF_GUESTS_MAX {
            return Err(Refused::Limit {
                what: "uploads of guests under way at once",
                max: UPLOADS_OF_GUESTS_MAX,
            });
        }
        let own = people.entry(who).or_default();
        if *own >= UPLOADS_A_PERSON_MAX {
            return Err(Refused::Limit {
                what: "uploads of one person under way at once",
                max: UPLOADS_A_PERSON_MAX,
            });
        }
        *own += 1;
        Ok(Turn(Arc::clone(self), who))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut people = self.0.people.lock();
        if let Some(own) = people.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                people.remove(&self.1);
            }
        }
    }
}

impl Chat {
    /// Takes a file in, for a message to name it; whether it came just now, and not before. What does not come whole within `UPLOAD_TIME_MAX` is
    /// given up.
    pub async fn upload<E: std::fmt::Display>(
        &self,
        by: &Principal,
        room: RoomId,
        upload: Upload,
        body: impl Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    ) -> Result<(File, bool)> {
        let me = who(by)?;
        self.seen(by, room, RoomAction::Post).await?;
        let name = named(&upload.name)?;
        let bytes = upload.bytes.unwrap_or(FILE_BYTES_MAX as u64);
        if bytes > FILE_BYTES_MAX as u64 {
            return Err(TOO_LARGE);
        }
        let _turn = self.desk.take(me)?;
        let id = FileId(u128::from(random()) << 64 | u128::from(random()));
        let new = NewFile { room, id, who: me, upload: upload.id, bytes, at: self.clock.now() };
        if let Expected::Here(file) = self.store.files.expect(new).await? {
            return Ok((file, false));
        }
        let taken = tokio::time::timeout(UPLOAD_TIME_MAX, self.take(room, id, name, body)).await;
        let taken = taken.unwrap_or(Err(Refused::Invalid("the file did not come in time")));
        if taken.is_err()
            && let Err(error) = self.store.files.give_up(room, id).await
        {
            tracing::warn!(%error, "an upload that came to nothing is swept later");
        }
        taken.map(|file| (file, true))
    }

    async fn take<E: std::fmt::Display>(
        &self,
        room: RoomId,
        id: FileId,
        name: String,
        mut body: impl Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    ) -> Result<File> {
        let mut head = BytesMut::new();
        while head.len() < pictures::HEAD_BYTES
            && let Some(piece) = next(&mut body).await?
        {
            head.extend_from_slice(&piece);
        }
        refuse_large(head.len() as u64)?;
        let Some(format) = pictures::format(&head) else {
            let bytes = self.keep(room, id, head, body).await?;
            return self
                .arrived(room, File { id, name, file_type: FileType::Other, bytes, picture: None })
                .await;
        };
        while let Some(piece) = next(&mut body).await? {
            head.extend_from_slice(&piece);
            refuse_large(head.len() as u64)?;
        }
        let whole = head.freeze();
        let file = match self.remade(whole.clone(), format).await? {
            Some(remade) => {
                let (bytes, picture) = (remade.own_bytes(), Some(remade.picture));
                self.keep_whole(room, id, remade.bytes.into()).await?;
                File { id, name, file_type: remade.file_type, bytes, picture }
            }
            None => {
                let bytes = whole.len() as u64;
                self.keep_whole(room, id, whole).await?;
                File { id, name, file_type: FileType::Other, bytes, picture: None }
            }
        };
        self.arrived(room, file).await
    }

    async fn arrived(&self, room: RoomId, file: File) -> Result<File> {
        self.store.files.arrived(room, file.clone()).await?;
        Ok(file)
    }

    /// Few at a time, and not where requests are answered.
    async fn remade(&self, bytes: Bytes, format: image::ImageFormat) -> Result<Option<Remade>> {
        let closed = |error| Refused::Unavailable(anyhow::Error::new(error));
        let _turn = self.desk.pictures.acquire().await.map_err(closed)?;
        let remade = tokio::task::spawn_blocking(move || pictures::remake(&bytes, format)).await;
        // A decoder that panicked: the file is kept as it came, and not shown.
        remade.unwrap_or_else(|error| {
            tracing::warn!(%error, "a picture could not be looked at");
            Ok(None)
        })
    }

    /// Hands a file on part by part; its bytes.
    async fn keep<E: std::fmt::Display>(
        &self,
        room: RoomId,
        id: FileId,
        mut waiting: BytesMut,
        mut body: impl Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    ) -> Result<u64> {
        let mut start = 0;
        loop {
            while waiting.len() >= FILE_PART_BYTES {
                let part = waiting.split_to(FILE_PART_BYTES).freeze();
                self.store.files.part(room, id, start, part).await?;
                start += FILE_PART_BYTES as u64;
            }
            match next(&mut body).await? {
                Some(piece) => waiting.extend_from_slice(&piece),
                None => break,
            }
            refuse_large(start + waiting.len() as u64)?;
        }
        let last = waiting.freeze();
        let bytes = start + last.len() as u64;
        if !last.is_empty() {
            self.store.files.part(room, id, start, last).await?;
        }
        Ok(bytes)
    }

    async fn keep_whole(&self, room: RoomId, id: FileId, bytes: Bytes) -> Result<()> {
        refuse_large(bytes.len() as u64)?;
        for start in (0..bytes.len()).step_by(FILE_PART_BYTES) {
            let part = bytes.slice(start..bytes.len().min(start + FILE_PART_BYTES));
            self.store.files.part(room, id, start as u64, part).await?;
        }
        Ok(())
    }

    /// A message that one posted oneself, by its id: for who would send its file again.
    pub async fn posted(&self, by: &Principal, room: RoomId, id: MessageId) -> Result<Message> {
        let me = who(by)?;
        self.seen(by, room, RoomAction::Post).await?;
        let message = self.store.messages.message_by_id(room, id).await?;
        if message.author == me { Ok(message) } else { Err(Refused::NotFound) }
    }

    /// A file of a message, for who may read the room.
    pub async fn file(&self, by: &Principal, room: RoomId, id: FileId) -> Result<File> {
        self.seen(by, room, RoomAction::Read).await?;
        Ok(self.store.files.file(room, id).await?)
    }

    /// Bytes of a file that `file` gave to the same one just now: asks for no right.
    pub async fn read_file(&self, room: RoomId, id: FileId, start: u64, length: usize) -> Result<Bytes> {
        Ok(self.store.files.read_file(room, id, start, length).await?)
    }

    /// Removes the bytes of files that are gone: when one is removed, and every `SWEEP_EVERY`. Never ends.
    pub async fn keep_files_swept(&self) {
        let mut sweeps = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                _ = sweeps.tick() => {}
                () = self.removed.notified() => {}
            }
            match self.store.files.sweep_files(self.clock.now()).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "files that are gone were removed"),
                Err(error) => tracing::warn!(%error, "files that are gone are removed later"),
            }
        }
    }
}

/// How often files that were never posted are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// From one piece of a file to the next: who sends nothing holds no place.
const PIECE_WAIT_MAX: Duration = Duration::from_secs(30);

const TOO_LARGE: Refused = Refused::Limit { what: "bytes in a file", max: FILE_BYTES_MAX };

fn refuse_large(bytes: u64) -> Result<()> {
    if bytes > FILE_BYTES_MAX as u64 { Err(TOO_LARGE) } else { Ok(()) }
}

async fn next<E: std::fmt::Display>(
    body: &mut (impl Stream<Item = std::result::Result<Bytes, E>> + Unpin),
) -> Result<Option<Bytes>> {
    let piece = tokio::time::timeout(PIECE_WAIT_MAX, body.next()).await;
    let piece = piece.map_err(|_| Refused::Invalid("the file did not come in time"))?.transpose();
    piece.map_err(|error| {
        tracing::debug!(%error, "an upload broke off");
        Refused::Invalid("the file broke off")
    })
}

/// The last part of a path, without what would show it other than it is.
pub(crate) fn named(name: &str) -> Result<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if last.len() > FILE_NAME_BYTES_MAX {
        return Err(Refused::Limit { what: "bytes in the name of a file", max: FILE_NAME_BYTES_MAX });
    }
    let shown: String = last.chars().map(|letter| if is_hidden(letter) { '_' } else { letter }).collect();
    // Each stands for one of as many bytes or more.
    Ok(if shown.trim_matches(['.', ' ']).is_empty() { "file".to_owned() } else { shown })
}

/// Control characters, and those that turn the direction of what follows or cannot be seen.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{061C}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_last_part_of_a_path_and_shows_all_that_it_is() {
        for (name, expected) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ann\\photo.jpg", "photo.jpg"),
            ("exe\u{202E}gpj.scr", "exe_gpj.scr"),
            ("a\r\nContent-Type: text/html", "html"),
            ("a\0b", "a_b"),
            ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
            ("東京.png", "東京.png"),
            ("", "file"),
            ("..", "file"),
            ("a/", "file"),
        ] {
            assert_eq!(named(name).unwrap(), expected);
        }
        assert_eq!(named(&"n".repeat(FILE_NAME_BYTES_MAX)).unwrap().len(), FILE_NAME_BYTES_MAX);
        assert!(matches!(named(&"n".repeat(FILE_NAME_BYTES_MAX + 1)), Err(Refused::Limit { .. })));
    }

    #[test]
    fn so_many_uploads_at_once_and_no_more() {
        let desk = Arc::new(Desk::default());
        let person = |number| Who::Account(model::AccountId::of(number));
        let mut turns = Vec::new();
        for number in 0..UPLOADS_MAX {
            let who = person((number / UPLOADS_A_PERSON_MAX) as u64);
            turns.push(desk.take(who).unwrap());
            if turns.len() == UPLOADS_A_PERSON_MAX {
                let refused = desk.take(who).err();
                assert!(matches!(refused, Some(Refused::Limit { max: UPLOADS_A_PERSON_MAX, .. })));
            }
        }
        assert!(matches!(desk.take(person(99)).err(), Some(Refused::Limit { max: UPLOADS_MAX, .. })));
        turns.pop();
        desk.take(person(99)).unwrap();
        drop(turns);
        assert!(desk.people.lock().is_empty());
    }

    #[test]
    fn guests_leave_room_for_others() {
        let desk = Arc::new(Desk::default());
        let guest = |number| Who::Guest(model::GuestId::of(number));
        let turns: Vec<Turn> =
            (0..UPLOADS_OF_GUESTS_MAX as u64).map(|number| desk.take(guest(number)).unwrap()).collect();
        let refused = desk.take(guest(99)).err();
        assert!(matches!(refused, Some(Refused::Limit { max: UPLOADS_OF_GUESTS_MAX, .. })));
        desk.take(Who::Account(model::AccountId::of(1))).unwrap();
        drop(turns);
        desk.take(guest(99)).unwrap();
    }
}
