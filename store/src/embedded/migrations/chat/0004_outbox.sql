-- What goes out, and how far each room's messages were made jobs of. `kind` and `state` as `JobKind::number` and
-- `JobState::number`, owners as `Who::number`; `lease` says who took it last.
CREATE TABLE jobs (
    id       BLOB    NOT NULL PRIMARY KEY,
    kind     INTEGER NOT NULL,
    owner    INTEGER NOT NULL,
    state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    -- When it may be taken; once it is over, when that was.
    due      INTEGER NOT NULL,
    lease    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    said     TEXT    NOT NULL,
    body     BLOB    NOT NULL
) STRICT;
CREATE INDEX jobs_due ON jobs (kind, due, owner) WHERE state = 0;
CREATE INDEX jobs_owner ON jobs (kind, owner, state, due);

-- No row: nobody looked at the room ever.
CREATE TABLE fanned (
    room   INTEGER PRIMARY KEY REFERENCES rooms ON DELETE CASCADE,
    number INTEGER NOT NULL
) STRICT;
-- What was said before there were jobs goes nowhere.
INSERT INTO fanned (room, number) SELECT id, last FROM rooms;

-- Where bots hear of their rooms. What deliveries are signed with has to be known, and stands in `value`.
CREATE TABLE bot_hooks (
    bot   INTEGER PRIMARY KEY REFERENCES bots ON DELETE CASCADE,
    value TEXT NOT NULL
) STRICT;
