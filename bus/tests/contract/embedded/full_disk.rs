//! A disk that takes no more: nothing half written is delivered, and it goes on once there is room.

use std::process::Command;

use bus::embedded::{EmbeddedBus, Options};
use bus::{Bus, PublishError};

use crate::fixtures::*;

const INNER: &str = "embedded::full_disk::within_the_limit_on_file_size";
const FOLDER: &str = "WATCHFIRE_TEST_LIMITED_FOLDER";

/// A limit on the size of files cuts a write short, as a full disk does. It holds for a whole process, so the test
/// runs in one of its own, started by a shell that sets the limit (in blocks of 512 or 1,024 bytes).
#[test]
fn a_write_that_the_disk_cuts_short_is_unavailable_and_the_journal_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = r#"trap '' XFSZ; ulimit -f 64; exec "$0" --exact "$1" --nocapture"#;
    let test = std::env::current_exe().unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", run]).arg(test).arg(INNER).env(FOLDER, folder.path());
    let outcome = limited.output().unwrap();
    let told = String::from_utf8_lossy(&outcome.stdout);
    assert!(
        outcome.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&outcome.stderr)
    );
}

#[tokio::test]
async fn within_the_limit_on_file_size() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let bus = EmbeddedBus::open(&folder, Options::default()).unwrap();
    let mut kept = Vec::new();
    let mut refused = 0;
    // At most 64 KiB fit into a file, 200 KB are published: some writes end in the middle of a record.
    for id in 0..200 {
        match bus.publish(0, sized(id, 1_000)).await {
            Ok(()) => kept.push(id),
            Err(PublishError::Unavailable(cause)) => {
                refused += 1;
                assert!(format!("{cause:#}").contains("cannot write the journal"), "{cause:#}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused >= 1 && kept.len() > 150, "{refused} refused, {} kept", kept.len());
    assert_eq!(bus.depth().await.messages, kept.len() as u64);
    drop(bus);
    let bus = EmbeddedBus::open(&folder, Options { segment_bytes: 10_000, ..Options::default() }).unwrap();
    assert_eq!(waiting(&bus, 0).await, kept, "as another process finds them");
}

#[tokio::test]
async fn a_folder_that_is_gone_is_unavailable_until_it_is_back() {
    let world = Embedded::with(Options { segment_bytes: 1, ..Options::default() });
    publish(&world.bus, 0, [1]).await;
    let away = world.folder.path().with_extension("away");
    std::fs::rename(world.folder.path(), &away).unwrap();
    let refused = world.bus.publish(0, message(2)).await;
    std::fs::rename(&away, world.folder.path()).unwrap();
    assert!(matches!(refused, Err(PublishError::Unavailable(_))), "{refused:?}");
    publish(&world.bus, 0, [3]).await;
    assert_eq!(waiting(&world.bus, 0).await, [1, 3]);
}
