-- Hooks by which rooms hear of repositories: the secret in their address is a BLAKE3 hash, what their deliveries are signed
-- with has to be known, and stands in `value`.
CREATE TABLE hooks (
    id      INTEGER PRIMARY KEY,
    room    INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    address BLOB    NOT NULL UNIQUE,
    value   TEXT    NOT NULL
) STRICT;
CREATE INDEX hooks_room ON hooks (room, id);

-- Which message of a room showed a commit; `mark` is the BLAKE3 hash of its id.
CREATE TABLE shown_commits (
    room   INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    mark   BLOB    NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (room, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX shown_commits_number ON shown_commits (room, number, mark);
