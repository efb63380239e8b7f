-- The tail: enriched batches in the order they were appended.
-- AUTOINCREMENT, so that a cursor is never given twice, also after the newest batches were removed.
CREATE TABLE tail (
    cursor   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    site     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    hits     INTEGER NOT NULL,
    body     BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX tail_id       ON tail (id, site);
CREATE        INDEX tail_site     ON tail (site);
CREATE        INDEX tail_received ON tail (received);

CREATE TABLE peaks (
    hour  INTEGER NOT NULL,
    site  INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, site)
) STRICT, WITHOUT ROWID;

-- Sites whose history was asked to go: nothing is taken for them again.
CREATE TABLE forgotten (
    site INTEGER PRIMARY KEY
) STRICT;
