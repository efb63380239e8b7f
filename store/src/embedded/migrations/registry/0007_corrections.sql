-- Corrections of bot verdicts are saved beside what else is; a check cannot be changed in place.
CREATE TABLE saved_new (
    id      INTEGER PRIMARY KEY,
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    -- 1 goal, 2 segment, 3 funnel, 4 annotation, 5 correction.
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 5),
    name    TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    at      INTEGER,
    created INTEGER NOT NULL
) STRICT;
INSERT INTO saved_new SELECT id, site, kind, name, body, at, created FROM saved;
DROP TABLE saved;
ALTER TABLE saved_new RENAME TO saved;
CREATE INDEX saved_site ON saved (site, kind);
