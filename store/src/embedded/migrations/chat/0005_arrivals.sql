-- What a room knows of repositories, in the order of `place`: commits on branches, and tags. `mark` is the BLAKE3 hash of what tells them apart.
CREATE TABLE arrivals (
    room       INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    mark       BLOB    NOT NULL,
    place      INTEGER NOT NULL,
    repository TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    PRIMARY KEY (room, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX arrivals_place ON arrivals (room, place);
CREATE INDEX arrivals_repository ON arrivals (room, repository, place);
