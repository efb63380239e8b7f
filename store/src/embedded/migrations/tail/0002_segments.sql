-- The last fold of each site that was ever folded.
CREATE TABLE folds (
    site      INTEGER PRIMARY KEY,
    number    INTEGER NOT NULL,
    -- The cursor of the last batch that folds took in; 0: none.
    folded_to INTEGER NOT NULL
) STRICT;

-- Segments. Their bytes stand in files, which are named after day_start and id.
CREATE TABLE segments (
    site      INTEGER NOT NULL,
    id        BLOB    NOT NULL CHECK (length(id) = 16),
    day_start INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    head      BLOB    NOT NULL,
    -- When a fold took it from the shelf; its file goes once the grace is over. NULL: it is on the shelf.
    gone      INTEGER
) STRICT;
CREATE UNIQUE INDEX segments_id   ON segments (site, id);
CREATE        INDEX segments_day  ON segments (site, day_start, id) WHERE gone IS NULL;
CREATE        INDEX segments_gone ON segments (gone) WHERE gone IS NOT NULL;

-- Finds the sites that have something to fold, and what left a site's tail.
CREATE INDEX tail_site_received ON tail (site, received);
