-- How the services were on a day of UTC.
CREATE TABLE service_days (
    -- Since 1970-01-01.
    day     INTEGER PRIMARY KEY,
    -- How often it was written.
    version INTEGER NOT NULL,
    -- JSON.
    body    TEXT    NOT NULL
) STRICT;
