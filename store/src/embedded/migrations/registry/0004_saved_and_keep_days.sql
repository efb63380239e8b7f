-- Days of history that are kept; NULL: for ever.
ALTER TABLE sites ADD COLUMN keep_days INTEGER;

-- Goals, segments, funnels and annotations of a site.
CREATE TABLE saved (
    id      INTEGER PRIMARY KEY,
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    -- 1 goal, 2 segment, 3 funnel, 4 annotation.
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    name    TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    at      INTEGER,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX saved_site ON saved (site, kind);
