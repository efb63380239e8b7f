-- Conversations with customers. Their rooms are in no list of rooms: `inbox` is 1.
ALTER TABLE rooms ADD COLUMN inbox INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_listed ON rooms (site) WHERE inbox = 0;

-- `folder` as `Folder::number`; `customer` tells those of one customer; `who` is what they are looked for by.
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
    value    TEXT    NOT NULL
) STRICT;
CREATE INDEX conversations_folder ON conversations (site, folder, last_at, room);
CREATE INDEX conversations_last ON conversations (site, last_at, room);
CREATE INDEX conversations_assignee ON conversations (site, assignee, last_at, room) WHERE folder = 0;
CREATE INDEX conversations_waiting ON conversations (site, waiting, room) WHERE folder = 0 AND waiting IS NOT NULL;
CREATE INDEX conversations_due ON conversations (due) WHERE due IS NOT NULL;
CREATE INDEX conversations_customer ON conversations (site, customer) WHERE customer IS NOT NULL;
