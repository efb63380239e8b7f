-- Files of rooms; their bytes are in `files/`. Rows outlive their room until those are removed.
CREATE TABLE files (
    room    INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    who     INTEGER NOT NULL,
    upload  BLOB    NOT NULL,
    -- 0 coming, 1 here, 2 gone; since when it is known.
    state   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    since   INTEGER NOT NULL,
    -- With its thumbnail; while it is coming, what it says.
    bytes   INTEGER NOT NULL,
    -- NULL: no message names it, or none did.
    message INTEGER,
    -- Empty while it is coming.
    value   TEXT    NOT NULL,
    PRIMARY KEY (room, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX files_upload ON files (room, who, upload) WHERE state < 2;
CREATE INDEX files_message ON files (room, message) WHERE message IS NOT NULL;
CREATE INDEX files_since ON files (state, since);
