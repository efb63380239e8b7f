-- Rooms and what is said in them. Ids are 40-bit numbers, moments milliseconds since 1970, secrets BLAKE3 hashes; `value` is
-- the noun as JSON: of rooms, but for the columns beside it, which change with every message.
CREATE TABLE rooms (
    id      INTEGER PRIMARY KEY,
    site    INTEGER,
    -- Who is in a direct room: there is one of the same.
    direct  TEXT UNIQUE,
    -- The number of its last message and change, and the moment of its last message.
    last    INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    -- 1: its messages are being removed, and it is nobody's any more.
    demolished INTEGER NOT NULL DEFAULT 0,
    value   TEXT    NOT NULL
) STRICT;
CREATE INDEX rooms_site ON rooms (site);

-- 0 member, 1 host; people as `Who::number`.
CREATE TABLE members (
    room   INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    who    INTEGER NOT NULL,
    role   INTEGER NOT NULL CHECK (role BETWEEN 0 AND 1),
    joined INTEGER NOT NULL,
    read   INTEGER NOT NULL,
    PRIMARY KEY (room, who)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_who ON members (who);

CREATE TABLE links (
    room    INTEGER PRIMARY KEY REFERENCES rooms ON DELETE CASCADE,
    secret  BLOB    NOT NULL UNIQUE,
    value   TEXT    NOT NULL
) STRICT;

CREATE TABLE guests (
    id     INTEGER PRIMARY KEY,
    room   INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    -- NULL once they left.
    secret BLOB UNIQUE,
    value  TEXT NOT NULL
) STRICT;
CREATE INDEX guests_room ON guests (room);

CREATE TABLE bans (
    room  INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    mark  BLOB    NOT NULL,
    who   INTEGER NOT NULL,
    by    INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (room, mark)
) STRICT, WITHOUT ROWID;

CREATE TABLE bots (
    id     INTEGER PRIMARY KEY,
    secret BLOB NOT NULL UNIQUE,
    value  TEXT NOT NULL
) STRICT;

CREATE TABLE messages (
    -- In the order of time: its millisecond, and 20 bits to tell those of the same one apart.
    place   INTEGER PRIMARY KEY,
    room    INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    changed INTEGER NOT NULL,
    thread  INTEGER,
    decided INTEGER NOT NULL,
    -- 1: posted while the room was locked, and not removed since.
    unrecorded INTEGER NOT NULL,
    value   TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_number ON messages (room, number);
-- With the place behind it: a room's messages by time.
CREATE INDEX messages_room ON messages (room);
CREATE UNIQUE INDEX messages_id ON messages (room, id);
CREATE UNIQUE INDEX messages_changed ON messages (room, changed);
CREATE INDEX messages_thread ON messages (room, thread, number) WHERE thread IS NOT NULL;
CREATE INDEX messages_decided ON messages (room, number) WHERE decided = 1;
CREATE INDEX messages_unrecorded ON messages (room, number) WHERE unrecorded = 1;

-- What messages are found by, at their places: their words, and what a search is within.
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', contentless_delete = 1, detail = 'none', tokenize = 'ascii'
);

CREATE TABLE revisions (
    room   INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    change INTEGER NOT NULL,
    number INTEGER NOT NULL,
    value  TEXT    NOT NULL,
    PRIMARY KEY (room, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX revisions_message ON revisions (room, number, change);

CREATE TABLE stars (
    who    INTEGER NOT NULL,
    room   INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    number INTEGER NOT NULL,
    PRIMARY KEY (who, room, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX stars_message ON stars (room, number);
