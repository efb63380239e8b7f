//! Promises of `Files`.

use std::time::Duration;

use bytes::Bytes;
use model::chat::{Change, File, FileType, NewFile, NewMessage, Picture, RoomRole, Who};
use model::limits::{
    FILE_BYTES_MAX, FILE_NAME_BYTES_MAX, FILE_PART_BYTES, FILES_A_MESSAGE_MAX, FILES_A_ROOM_BYTES_MAX,
    UNPOSTED_BYTES_MAX, UPLOAD_KEPT_MAX, UPLOAD_TIME_MAX,
};
use model::{AccountId, FileId, Millis, RoomId, UploadId};

use super::chat::{ANN, BOB, EVE, ROOM, member, text};
use super::fixtures::NOW;
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound};
use crate::chat::{Expected, RoomChange};

on_every_backend! {
    a_file_that_came_and_was_posted_reads_back_byte_for_byte,
    half_a_file_is_no_file,
    the_same_upload_is_the_same_file_and_one_begun_again_gives_up_the_first,
    only_its_sender_posts_a_file_and_only_once,
    a_removed_message_takes_its_files_along,
    what_was_said_behind_a_lock_takes_its_files_along,
    a_demolished_room_takes_its_files_along,
    what_was_never_posted_goes_after_a_day,
    sizes_and_counts_end_at_their_maxima,
    a_room_holds_so_many_bytes,
    of_one_person_so_many_bytes_wait_for_a_message,
    only_members_send_files,
}

pub fn new_file(number: u128, who: Who, bytes: u64) -> NewFile {
    NewFile { room: ROOM, id: FileId(number), who, upload: UploadId(number), bytes, at: NOW }
}

pub fn file(number: u128, bytes: u64) -> File {
    File {
        id: FileId(number),
        name: format!("file {number}.bin"),
        file_type: FileType::Other,
        bytes,
        picture: None,
    }
}

/// Differs at every place, and from file to file.
pub fn content(number: u128, bytes: usize) -> Bytes {
    (0..bytes).map(|place| (place / 251 + place % 251 + number as usize) as u8).collect::<Vec<_>>().into()
}

pub fn naming(number: u128, who: Who, files: &[u128]) -> NewMessage {
    NewMessage { files: files.iter().map(|id| FileId(*id)).collect(), ..text(number, who, "see") }
}

impl World {
    async fn came(&self, number: u128, who: Who, bytes: usize) -> File {
        let files = &self.store.files;
        let (body, file) = (content(number, bytes), file(number, bytes as u64));
        assert_eq!(files.expect(new_file(number, who, bytes as u64)).await.unwrap(), Expected::Coming);
        for start in (0..bytes).step_by(FILE_PART_BYTES) {
            let part = body.slice(start..bytes.min(start + FILE_PART_BYTES));
            files.part(ROOM, FileId(number), start as u64, part).await.unwrap();
        }
        files.arrived(ROOM, file.clone()).await.unwrap();
        file
    }

    /// For tests of a move: one of many parts, one of none, one that nobody posted.
    pub async fn sent_files(&self) {
        self.came(1, ANN, 2 * FILE_PART_BYTES + 7).await;
        self.came(2, ANN, 0).await;
        self.came(3, ANN, 100).await;
        self.store.messages.post(naming(910, ANN, &[1, 2])).await.unwrap();
    }
}

async fn a_file_that_came_and_was_posted_reads_back_byte_for_byte(world: World) {
    world.talking().await;
    let bytes = 2 * FILE_PART_BYTES + 300_001;
    let sent = world.came(1, ANN, bytes).await;
    let empty = world.came(2, ANN, 0).await;
    assert_refused!(world.store.files.file(ROOM, FileId(1)), NotFound("file"));
    let posted = world.store.messages.post(naming(1, ANN, &[2, 1])).await.unwrap().message;
    assert_eq!(posted.files, [empty.clone(), sent.clone()]);
    let world = world.reopened().await;
    assert_eq!(world.store.messages.message(ROOM, posted.number).await.unwrap(), posted);
    let files = &world.store.files;
    assert_eq!(files.file(ROOM, FileId(1)).await.unwrap(), sent);
    assert_eq!(files.read_file(ROOM, FileId(2), 0, 0).await.unwrap(), "");
    let whole = content(1, bytes);
    let edge = 256 * 1024;
    for (start, length) in
        [(0, 1), (0, FILE_PART_BYTES), (edge - 1, 2), (FILE_PART_BYTES - 3, edge * 2), (bytes - 1, 1)]
    {
        let read = files.read_file(ROOM, FileId(1), start as u64, length).await.unwrap();
        assert!(read == whole[start..start + length], "{length} from {start}");
    }
    assert_refused!(files.file(RoomId::of(2), FileId(1)), NotFound("file"));
    assert_eq!(files.bytes_of_files(ROOM).await.unwrap(), bytes as u64);
}

async fn half_a_file_is_no_file(world: World) {
    world.talking().await;
    let files = &world.store.files;
    files.expect(new_file(1, ANN, 2_000_000)).await.unwrap();
    files.part(ROOM, FileId(1), 0, content(1, FILE_PART_BYTES)).await.unwrap();
    assert!(files.arrived(ROOM, file(1, 2_000_000)).await.is_err(), "a part is missing");
    assert_refused!(world.store.messages.post(naming(1, ANN, &[1])), NotFound("file"));
    let world = world.reopened().await;
    let files = &world.store.files;
    assert_refused!(files.file(ROOM, FileId(1)), NotFound("file"));
    files.give_up(ROOM, FileId(1)).await.unwrap();
    assert_eq!(files.bytes_of_files(ROOM).await.unwrap(), 2_000_000, "they are still kept");
    assert_refused!(files.part(ROOM, FileId(1), 0, content(1, 10)), NotFound("file"));
    assert_refused!(files.arrived(ROOM, file(1, 10)), NotFound("file"));
    files.sweep_files(NOW.plus(UPLOAD_TIME_MAX + Duration::from_millis(1))).await.unwrap();
    assert_eq!(files.bytes_of_files(ROOM).await.unwrap(), 0);
}

async fn of_one_person_so_many_bytes_wait_for_a_message(world: World) {
    world.talking().await;
    let files = &world.store.files;
    let most = FILE_BYTES_MAX as u64;
    let whole = UNPOSTED_BYTES_MAX as u64 / most;
    for number in 0..u128::from(whole) - 1 {
        files.expect(new_file(number, ANN, most)).await.unwrap();
    }
    files.give_up(ROOM, FileId(0)).await.unwrap();
    assert_refused!(files.expect(new_file(900, ANN, most + 1)), Limit { .. });
    files.expect(new_file(901, ANN, most)).await.unwrap();
    assert_refused!(files.expect(new_file(902, ANN, 1)), Limit { .. });
    files.expect(new_file(903, BOB, most)).await.unwrap();
    files.sweep_files(NOW.plus(UPLOAD_TIME_MAX + Duration::from_millis(1))).await.unwrap();
    files.expect(new_file(904, ANN, most)).await.unwrap();
}

async fn the_same_upload_is_the_same_file_and_one_begun_again_gives_up_the_first(world: World) {
    world.talking().await;
    let files = &world.store.files;
    files.expect(new_file(1, ANN, 10)).await.unwrap();
    let again = NewFile { id: FileId(2), ..new_file(1, ANN, 10) };
    assert_eq!(files.expect(again).await.unwrap(), Expected::Coming);
    assert_refused!(files.part(ROOM, FileId(1), 0, content(1, 10)), NotFound("file"));
    files.part(ROOM, FileId(2), 0, content(2, 10)).await.unwrap();
    files.arrived(ROOM, file(2, 10)).await.unwrap();
    let third = NewFile { id: FileId(3), ..again };
    assert_eq!(files.expect(third).await.unwrap(), Expected::Here(file(2, 10)));
    let of_bob = NewFile { id: FileId(4), who: BOB, ..again };
    assert_eq!(files.expect(of_bob).await.unwrap(), Expected::Coming, "another's upload is another file");
}

async fn only_its_sender_posts_a_file_and_only_once(world: World) {
    world.talking().await;
    world.came(1, ANN, 10).await;
    let messages = &world.store.messages;
    assert_refused!(messages.post(naming(1, BOB, &[1])), NotFound("file"));
    assert_refused!(messages.post(naming(2, ANN, &[1, 1])), NotFound("file"));
    let first = messages.post(naming(3, ANN, &[1])).await.unwrap();
    let again = messages.post(naming(3, ANN, &[1])).await.unwrap();
    assert_eq!((again.message, again.fresh), (first.message, false));
    assert_refused!(messages.post(naming(4, ANN, &[1])), NotFound("file"));
    assert_eq!(messages.message(ROOM, 1).await.unwrap().files.len(), 1, "refused posts leave nothing");
    assert_eq!(world.whole().await.len(), 1);
}

async fn a_removed_message_takes_its_files_along(world: World) {
    world.talking().await;
    world.came(1, ANN, 10).await;
    let message = world.store.messages.post(naming(1, ANN, &[1])).await.unwrap().message;
    let removed = world.store.messages.change(ROOM, message.number, ANN, NOW, Change::Remove).await.unwrap();
    assert_eq!(removed.files, []);
    let files = &world.store.files;
    assert_refused!(files.file(ROOM, FileId(1)), NotFound("file"));
    assert_eq!(files.bytes_of_files(ROOM).await.unwrap(), 0);
    assert_eq!(files.sweep_files(NOW).await.unwrap(), 1);
    assert_refused!(files.read_file(ROOM, FileId(1), 0, 10), NotFound("file"));
    assert_eq!(files.sweep_files(NOW).await.unwrap(), 0);
}

async fn what_was_said_behind_a_lock_takes_its_files_along(world: World) {
    world.talking().await;
    world.store.rooms.change(ROOM, RoomChange::Lock, None).await.unwrap();
    world.came(1, ANN, 10).await;
    world.store.messages.post(naming(1, ANN, &[1])).await.unwrap();
    world.store.files.file(ROOM, FileId(1)).await.unwrap();
    world.store.rooms.change(ROOM, RoomChange::Unlock, None).await.unwrap();
    assert_refused!(world.store.files.file(ROOM, FileId(1)), NotFound("file"));
}

async fn a_demolished_room_takes_its_files_along(world: World) {
    world.talking().await;
    world.came(1, ANN, 10).await;
    world.store.messages.post(naming(1, ANN, &[1])).await.unwrap();
    world.store.rooms.demolish(ROOM).await.unwrap();
    let files = &world.store.files;
    assert_refused!(files.file(ROOM, FileId(1)), NotFound("file"));
    assert_eq!(files.sweep_files(NOW).await.unwrap(), 1);
    assert_refused!(files.read_file(ROOM, FileId(1), 0, 10), NotFound("file"));
}

async fn what_was_never_posted_goes_after_a_day(world: World) {
    world.talking().await;
    world.came(1, ANN, 10).await;
    world.came(2, ANN, 10).await;
    world.store.messages.post(naming(1, ANN, &[2])).await.unwrap();
    world.store.files.expect(new_file(3, ANN, 10)).await.unwrap();
    let files = &world.store.files;
    let day = Millis(NOW.0 + UPLOAD_KEPT_MAX.as_millis() as i64);
    assert_eq!(files.sweep_files(day).await.unwrap(), 0);
    assert_eq!(files.sweep_files(Millis(day.0 + 1)).await.unwrap(), 2);
    assert_refused!(world.store.messages.post(naming(2, ANN, &[1])), NotFound("file"));
    assert_eq!(files.read_file(ROOM, FileId(2), 0, 10).await.unwrap(), content(2, 10));
}

async fn sizes_and_counts_end_at_their_maxima(world: World) {
    world.talking().await;
    let files = &world.store.files;
    let most = FILE_BYTES_MAX as u64;
    assert_refused!(files.expect(new_file(1, ANN, most + 1)), Limit { max: FILE_BYTES_MAX, .. });
    files.expect(new_file(1, ANN, most)).await.unwrap();
    files.give_up(ROOM, FileId(1)).await.unwrap();
    let thumbnail = Picture { width: 1, height: 1, thumbnail: 1 };
    for over in [file(2, most + 1), File { picture: Some(thumbnail), ..file(2, most) }] {
        assert_refused!(files.arrived(ROOM, over), Limit { max: FILE_BYTES_MAX, .. });
    }
    files.expect(new_file(2, ANN, 1)).await.unwrap();
    assert_refused!(
        files.part(ROOM, FileId(2), 0, content(2, FILE_PART_BYTES + 1)),
        Limit { max: FILE_PART_BYTES, .. }
    );
    files.part(ROOM, FileId(2), 0, content(2, 1)).await.unwrap();
    let named = |bytes| File { name: "n".repeat(bytes), ..file(2, 1) };
    assert_refused!(
        files.arrived(ROOM, named(FILE_NAME_BYTES_MAX + 1)),
        Limit { max: FILE_NAME_BYTES_MAX, .. }
    );
    files.arrived(ROOM, named(FILE_NAME_BYTES_MAX)).await.unwrap();
    let ids: Vec<u128> = (100..=100 + FILES_A_MESSAGE_MAX as u128).collect();
    for id in &ids {
        world.came(*id, ANN, 1).await;
    }
    let messages = &world.store.messages;
    assert_refused!(messages.post(naming(1, ANN, &ids)), Limit { max: FILES_A_MESSAGE_MAX, .. });
    messages.post(naming(1, ANN, &ids[1..])).await.unwrap();
}

async fn a_room_holds_so_many_bytes(world: World) {
    world.talking().await;
    let files = &world.store.files;
    let most = FILE_BYTES_MAX as u64;
    let whole = FILES_A_ROOM_BYTES_MAX / most;
    let each = UNPOSTED_BYTES_MAX as u64 / most;
    let senders: Vec<Who> = (100..=100 + whole / each).map(|id| Who::Account(AccountId::of(id))).collect();
    for sender in &senders {
        world.store.rooms.enter(member(ROOM, *sender, RoomRole::Member), vec![], None).await.unwrap();
    }
    for number in 0..whole {
        let sender = senders[(number / each) as usize];
        files.expect(new_file(number.into(), sender, most)).await.unwrap();
    }
    let left = FILES_A_ROOM_BYTES_MAX - whole * most;
    assert_refused!(files.expect(new_file(900, ANN, left + 1)), Limit { .. });
    files.expect(new_file(900, ANN, left)).await.unwrap();
    assert_eq!(files.bytes_of_files(ROOM).await.unwrap(), FILES_A_ROOM_BYTES_MAX);
    files.part(ROOM, FileId(900), 0, content(0, left as usize % FILE_PART_BYTES)).await.unwrap();
    files.give_up(ROOM, FileId(0)).await.unwrap();
    assert_refused!(files.expect(new_file(901, ANN, most)), Limit { .. });
    files.sweep_files(NOW.plus(UPLOAD_TIME_MAX + Duration::from_millis(1))).await.unwrap();
    files.expect(new_file(901, ANN, most)).await.unwrap();
}

async fn only_members_send_files(world: World) {
    world.talking().await;
    let files = &world.store.files;
    assert_refused!(files.expect(new_file(1, EVE, 1)), NotFound("member of the room"));
    let nowhere = NewFile { room: RoomId::of(9), ..new_file(1, ANN, 1) };
    assert_refused!(files.expect(nowhere), NotFound("room"));
}
