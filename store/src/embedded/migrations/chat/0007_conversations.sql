-- Conversations with customers. Their rooms are in no list of rooms: `inbox` is 1.
ALTER TABLE rooms ADD COLUMN inbox INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_listed ON rooms (site, inbox) WHERE inbox = 0;
-- What an opening finishes, without looking at every room.
CREATE INDEX rooms_demolished ON rooms (demolished) WHERE demolished > 0;

-- `folder` as `Folder::number`; `customer` tells those of one customer; `who` is what they are looked for by; `labels`: each as JSON,
-- with an unprintable character (31) before, between and behind, so that a label is found as such.
CREATE TABLE conversations (
    room     INTEGER PRIMARY KEY REFERENCES rooms ON DELETE CASCADE,
    notes    INTEGER NOT NULL UNIQUE,
    site     INTEGER NOT NULL,
    folder   INTEGER NOT NULL CHECK (folder BETWEEN 0 AND 4),
    last_at  INTEGER NOT NULL,
    assignee INTEGER,
    waiting  INTEGER,
    due      INTEGER,
    customer TEXT,
    who      TEXT    NOT NULL,
    labels   TEXT    NOT NULL,
    value    TEXT    NOT NULL
) STRICT;
-- What each site's filter of spam learned.
CREATE TABLE learned (
    site    INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    bytes   BLOB    NOT NULL
) STRICT;

-- The order of each list, and of the first all that a list is limited to: a search reads it alone.
CREATE INDEX conversations_folder ON conversations (site, folder, last_at, room, assignee, waiting, who, labels);
CREATE INDEX conversations_last ON conversations (site, last_at, room) WHERE folder < 3;
CREATE INDEX conversations_assignee ON conversations (site, folder, assignee, last_at, room);
CREATE INDEX conversations_waiting ON conversations (site, folder, waiting, room) WHERE waiting IS NOT NULL;
CREATE INDEX conversations_due ON conversations (due) WHERE due IS NOT NULL;
CREATE INDEX conversations_customer ON conversations (site, customer, last_at, room) WHERE customer IS NOT NULL;
