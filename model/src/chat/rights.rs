//! Who may do what in a room: the one table. Whoever decides about a room ends here.

use serde::Serialize;

use super::{Room, RoomKind};

/// What somebody is to one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Anybody, and whoever was barred.
    Stranger,
    /// Signed in, with a role on the room's site (in a room of the installation: with any account), and not in the room.
    Reader,
    /// A reader who looks after the site: its admins and owners, and the operator.
    Keeper,
    Guest,
    Bot,
    Member,
    Host,
    /// Who answers the site's customers, in the rooms of conversations.
    Agent,
}

/// What of a room decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub kind: RoomKind,
    pub public: bool,
    pub locked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomAction {
    /// Know that it is there, its name and topic.
    Find,
    /// Messages, their history, transcripts, search; what happens now.
    Read,
    /// Who is in it, and who is there now.
    SeePeople,
    /// Become a member by oneself.
    Enter,
    Leave,
    /// Also answering in a thread, and to be seen typing.
    Post,
    React,
    /// Keep a star, or how far one read.
    Mark,
    /// Edit or remove what one wrote.
    ChangeOwn,
    RemoveAny,
    Decide,
    SetTopic,
    /// Bring people and bots in.
    Bring,
    Kick,
    Ban,
    Lock,
    /// Name, size, zone, hosts, guest link, and whether it is public.
    Configure,
    /// With everything in it.
    Demolish,
    /// Take all that was said along, as a file.
    Export,
}

impl Facts {
    pub fn of(room: &Room) -> Facts {
        Facts { kind: room.kind, public: room.public, locked: room.locked }
    }
}

impl RoomAction {
    pub const ALL: [RoomAction; 19] = [
        RoomAction::Find,
        RoomAction::Read,
        RoomAction::SeePeople,
        RoomAction::Enter,
        RoomAction::Leave,
        RoomAction::Post,
        RoomAction::React,
        RoomAction::Mark,
        RoomAction::ChangeOwn,
        RoomAction::RemoveAny,
        RoomAction::Decide,
        RoomAction::SetTopic,
        RoomAction::Bring,
        RoomAction::Kick,
        RoomAction::Ban,
        RoomAction::Lock,
        RoomAction::Configure,
        RoomAction::Demolish,
        RoomAction::Export,
    ];
}

/// The one decision.
pub fn may(standing: Standing, room: Facts, action: RoomAction) -> bool {
    if room.kind.is_of_inbox() {
        return may_in_conversation(standing, room.kind, action);
    }
    let is_open = room.kind == RoomKind::Open;
    let is_direct = room.kind == RoomKind::Direct;
    // Behind a lock is only who takes part: what is said there is for nobody else. A direct room cannot be read from without, whatever else is said of it.
    let is_public = room.public && !is_direct;
    match standing {
        Standing::Stranger => match action {
            RoomAction::Find => is_public,
            RoomAction::Read => is_public && !room.locked,
            _ => false,
        },
        Standing::Reader => match action {
            RoomAction::Find => is_open || is_public,
            RoomAction::Read => (is_open || is_public) && !room.locked,
            RoomAction::SeePeople => is_open,
            RoomAction::Enter => is_open && !room.locked,
            _ => false,
        },
        Standing::Keeper => match action {
            RoomAction::Read => (is_open || is_public) && !room.locked,
            RoomAction::Export => (is_open || is_public) && !room.locked,
            RoomAction::Enter => !is_direct && !room.locked,
            RoomAction::Find
            | RoomAction::SeePeople
            | RoomAction::Lock
            | RoomAction::Configure
            | RoomAction::Demolish => !is_direct,
            _ => false,
        },
        Standing::Guest | Standing::Bot => takes_part(action),
        Standing::Member => {
            takes_part(action) && (action != RoomAction::Leave || !is_direct)
                || matches!(action, RoomAction::Decide)
                || action == RoomAction::SetTopic && !is_direct
                || action == RoomAction::Bring && !is_direct && !room.locked
        }
        Standing::Host => match action {
            RoomAction::Enter => false,
            RoomAction::Bring => !is_direct && !room.locked,
            RoomAction::Leave
            | RoomAction::SetTopic
            | RoomAction::RemoveAny
            | RoomAction::Kick
            | RoomAction::Ban
            | RoomAction::Lock
            | RoomAction::Configure
            | RoomAction::Demolish
            | RoomAction::Export => !is_direct,
            _ => true,
        },
        Standing::Agent => false,
    }
}

/// A customer takes part in what they are told; agents in both rooms, and those who look after the site take away, too.
fn may_in_conversation(standing: Standing, kind: RoomKind, action: RoomAction) -> bool {
    let agent = takes_part(action) && !matches!(action, RoomAction::Leave | RoomAction::Mark)
        || action == RoomAction::Decide;
    match standing {
        Standing::Guest => {
            kind == RoomKind::Conversation && takes_part(action) && action != RoomAction::Leave
        }
        Standing::Agent => agent,
        Standing::Keeper => {
            agent || matches!(action, RoomAction::RemoveAny | RoomAction::Demolish | RoomAction::Export)
        }
        Standing::Stranger | Standing::Reader | Standing::Bot | Standing::Member | Standing::Host => false,
    }
}

fn takes_part(action: RoomAction) -> bool {
    matches!(
        action,
        RoomAction::Find
            | RoomAction::Read
            | RoomAction::SeePeople
            | RoomAction::Leave
            | RoomAction::Post
            | RoomAction::React
            | RoomAction::Mark
            | RoomAction::ChangeOwn
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDINGS: [Standing; 8] = [
        Standing::Stranger,
        Standing::Reader,
        Standing::Keeper,
        Standing::Guest,
        Standing::Bot,
        Standing::Member,
        Standing::Host,
        Standing::Agent,
    ];

    /// A line an action; a column each of stranger, reader, keeper, guest, bot, member, host, agent.
    fn check(room: Facts, expected: &str) {
        let lines = expected.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut said = Vec::new();
        for (line, action) in lines.zip(RoomAction::ALL) {
            let (name, columns) = line.split_once(' ').expect("an action and its columns");
            assert_eq!(name, format!("{action:?}"));
            let columns: Vec<bool> = columns.split_whitespace().map(|mark| mark == "yes").collect();
            assert_eq!(columns.len(), STANDINGS.len(), "{name}");
            for (standing, expected) in STANDINGS.into_iter().zip(columns) {
                assert_eq!(may(standing, room, action), expected, "{standing:?} {action:?} {room:?}");
            }
            said.push(action);
        }
        assert_eq!(said, RoomAction::ALL);
    }

    const OPEN: &str = "
        Find       -   yes yes yes yes yes yes -
        Read       -   yes yes yes yes yes yes -
        SeePeople  -   yes yes yes yes yes yes -
        Enter      -   yes yes -   -   -   - -
        Leave      -   -   -   yes yes yes yes -
        Post       -   -   -   yes yes yes yes -
        React      -   -   -   yes yes yes yes -
        Mark       -   -   -   yes yes yes yes -
        ChangeOwn  -   -   -   yes yes yes yes -
        RemoveAny  -   -   -   -   -   -   yes -
        Decide     -   -   -   -   -   yes yes -
        SetTopic   -   -   -   -   -   yes yes -
        Bring      -   -   -   -   -   yes yes -
        Kick       -   -   -   -   -   -   yes -
        Ban        -   -   -   -   -   -   yes -
        Lock       -   -   yes -   -   -   yes -
        Configure  -   -   yes -   -   -   yes -
        Demolish   -   -   yes -   -   -   yes -
        Export     -   -   yes -   -   -   yes -";

    const CLOSED: &str = "
        Find       -   -   yes yes yes yes yes -
        Read       -   -   -   yes yes yes yes -
        SeePeople  -   -   yes yes yes yes yes -
        Enter      -   -   yes -   -   -   - -
        Leave      -   -   -   yes yes yes yes -
        Post       -   -   -   yes yes yes yes -
        React      -   -   -   yes yes yes yes -
        Mark       -   -   -   yes yes yes yes -
        ChangeOwn  -   -   -   yes yes yes yes -
        RemoveAny  -   -   -   -   -   -   yes -
        Decide     -   -   -   -   -   yes yes -
        SetTopic   -   -   -   -   -   yes yes -
        Bring      -   -   -   -   -   yes yes -
        Kick       -   -   -   -   -   -   yes -
        Ban        -   -   -   -   -   -   yes -
        Lock       -   -   yes -   -   -   yes -
        Configure  -   -   yes -   -   -   yes -
        Demolish   -   -   yes -   -   -   yes -
        Export     -   -   -   -   -   -   yes -";

    const DIRECT: &str = "
        Find       -   -   -   yes yes yes yes -
        Read       -   -   -   yes yes yes yes -
        SeePeople  -   -   -   yes yes yes yes -
        Enter      -   -   -   -   -   -   - -
        Leave      -   -   -   yes yes -   - -
        Post       -   -   -   yes yes yes yes -
        React      -   -   -   yes yes yes yes -
        Mark       -   -   -   yes yes yes yes -
        ChangeOwn  -   -   -   yes yes yes yes -
        RemoveAny  -   -   -   -   -   -   - -
        Decide     -   -   -   -   -   yes yes -
        SetTopic   -   -   -   -   -   -   - -
        Bring      -   -   -   -   -   -   - -
        Kick       -   -   -   -   -   -   - -
        Ban        -   -   -   -   -   -   - -
        Lock       -   -   -   -   -   -   - -
        Configure  -   -   -   -   -   -   - -
        Demolish   -   -   -   -   -   -   - -
        Export     -   -   -   -   -   -   - -";

    const CONVERSATION: &str = "
        Find       -   -   yes yes -   -   -   yes
        Read       -   -   yes yes -   -   -   yes
        SeePeople  -   -   yes yes -   -   -   yes
        Enter      -   -   -   -   -   -   -   -
        Leave      -   -   -   -   -   -   -   -
        Post       -   -   yes yes -   -   -   yes
        React      -   -   yes yes -   -   -   yes
        Mark       -   -   -   yes -   -   -   -
        ChangeOwn  -   -   yes yes -   -   -   yes
        RemoveAny  -   -   yes -   -   -   -   -
        Decide     -   -   yes -   -   -   -   yes
        SetTopic   -   -   -   -   -   -   -   -
        Bring      -   -   -   -   -   -   -   -
        Kick       -   -   -   -   -   -   -   -
        Ban        -   -   -   -   -   -   -   -
        Lock       -   -   -   -   -   -   -   -
        Configure  -   -   -   -   -   -   -   -
        Demolish   -   -   yes -   -   -   -   -
        Export     -   -   yes -   -   -   -   -";

    const NOTES: &str = "
        Find       -   -   yes -   -   -   -   yes
        Read       -   -   yes -   -   -   -   yes
        SeePeople  -   -   yes -   -   -   -   yes
        Enter      -   -   -   -   -   -   -   -
        Leave      -   -   -   -   -   -   -   -
        Post       -   -   yes -   -   -   -   yes
        React      -   -   yes -   -   -   -   yes
        Mark       -   -   -   -   -   -   -   -
        ChangeOwn  -   -   yes -   -   -   -   yes
        RemoveAny  -   -   yes -   -   -   -   -
        Decide     -   -   yes -   -   -   -   yes
        SetTopic   -   -   -   -   -   -   -   -
        Bring      -   -   -   -   -   -   -   -
        Kick       -   -   -   -   -   -   -   -
        Ban        -   -   -   -   -   -   -   -
        Lock       -   -   -   -   -   -   -   -
        Configure  -   -   -   -   -   -   -   -
        Demolish   -   -   yes -   -   -   -   -
        Export     -   -   yes -   -   -   -   -";

    /// The table with one line said anew.
    fn but(table: &str, lines: &[&str]) -> String {
        let name = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
        let changed =
            |line: &str| lines.iter().find(|new| name(new) == name(line)).copied().unwrap_or(line).to_owned();
        table.lines().map(changed).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_table_of_every_kind_of_room() {
        let facts = |kind, public, locked| Facts { kind, public, locked };
        let locked = [
            "Read - - - yes yes yes yes -",
            "Enter - - - - - - - -",
            "Bring - - - - - - - -",
            "Export - - - - - - yes -",
        ];
        let open_public = ["Find yes yes yes yes yes yes yes -", "Read yes yes yes yes yes yes yes -"];
        check(facts(RoomKind::Open, false, false), OPEN);
        check(facts(RoomKind::Open, false, true), &but(OPEN, &locked));
        check(facts(RoomKind::Open, true, false), &but(OPEN, &open_public));
        check(facts(RoomKind::Open, true, true), &but(&but(OPEN, &open_public), &locked));
        check(facts(RoomKind::Closed, false, false), CLOSED);
        check(facts(RoomKind::Closed, false, true), &but(CLOSED, &locked));
        let export = "Export - - yes - - - yes -";
        check(facts(RoomKind::Closed, true, false), &but(&but(CLOSED, &open_public), &[export]));
        check(facts(RoomKind::Closed, true, true), &but(&but(CLOSED, &open_public), &locked));
        for (public, locked) in [(false, false), (false, true), (true, false), (true, true)] {
            check(facts(RoomKind::Direct, public, locked), DIRECT);
            check(facts(RoomKind::Conversation, public, locked), CONVERSATION);
            check(facts(RoomKind::Notes, public, locked), NOTES);
        }
    }
}
