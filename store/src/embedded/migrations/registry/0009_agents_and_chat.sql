-- Roles: 4 is agent, between viewer and admin. And what a site says of chat, as JSON.
CREATE TABLE members_anew (
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    role    INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),
    PRIMARY KEY (site, account)
) STRICT, WITHOUT ROWID;
INSERT INTO members_anew SELECT site, account, role FROM members;
DROP TABLE members;
ALTER TABLE members_anew RENAME TO members;
CREATE INDEX members_account ON members (account);

CREATE TABLE invitations_anew (
    id         INTEGER PRIMARY KEY,
    secret     BLOB    NOT NULL UNIQUE,
    site       INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    role       INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),
    invited_by INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    note       TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT;
INSERT INTO invitations_anew SELECT id, secret, site, role, invited_by, note, created, expires FROM invitations;
DROP TABLE invitations;
ALTER TABLE invitations_anew RENAME TO invitations;
CREATE INDEX invitations_site ON invitations (site);
CREATE INDEX invitations_invited_by ON invitations (invited_by);
CREATE INDEX invitations_expires ON invitations (expires);

ALTER TABLE sites ADD COLUMN chat TEXT NOT NULL DEFAULT '{}';

-- Canned answers are saved beside what else is: 6.
CREATE TABLE saved_anew (
    id      INTEGER PRIMARY KEY,
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 6),
    name    TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    at      INTEGER,
    created INTEGER NOT NULL
) STRICT;
INSERT INTO saved_anew SELECT id, site, kind, name, body, at, created FROM saved;
DROP TABLE saved;
ALTER TABLE saved_anew RENAME TO saved;
CREATE INDEX saved_site ON saved (site, kind);
