-- Pages that are looked at, whether they are there, and what was seen of each on a day of UTC.
CREATE TABLE watched_pages (
    id      INTEGER PRIMARY KEY,
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    url     TEXT    NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (site, url)
) STRICT;

CREATE TABLE page_days (
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    page    INTEGER NOT NULL REFERENCES watched_pages ON DELETE CASCADE,
    -- Since 1970-01-01.
    day     INTEGER NOT NULL,
    -- How often it was written.
    version INTEGER NOT NULL,
    -- JSON.
    body    TEXT    NOT NULL,
    PRIMARY KEY (site, page, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX page_days_page ON page_days (page);
