-- The move that this store is, or was, the target of: until it has ended, nothing but a move opens it.
CREATE TABLE moving (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    source TEXT    NOT NULL,
    -- The source's cursor up to which the tail came along.
    tail   INTEGER NOT NULL,
    ended  INTEGER NOT NULL
) STRICT;
