-- Sites, who may what on them, and salts. Ids are 40-bit numbers, moments milliseconds since 1970,
-- secrets BLAKE3 hashes, roles 1 viewer, 2 admin, 3 owner.
CREATE TABLE accounts (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL,
    email        TEXT    NOT NULL,
    -- In lower case: what tells accounts apart.
    email_key    TEXT    NOT NULL UNIQUE,
    password_phc TEXT    NOT NULL,
    operator     INTEGER NOT NULL,
    created      INTEGER NOT NULL
) STRICT;

-- The set-up secret on offer, if any.
CREATE TABLE set_up (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    secret BLOB    NOT NULL
) STRICT;

CREATE TABLE sites (
    id                INTEGER PRIMARY KEY,
    name              TEXT    NOT NULL,
    -- Lists are JSON arrays of strings.
    hostnames         TEXT    NOT NULL,
    time_zone         TEXT    NOT NULL,
    honour_opt_out    INTEGER NOT NULL,
    first_party_id    INTEGER NOT NULL,
    ignored_addresses TEXT    NOT NULL,
    ignored_paths     TEXT    NOT NULL,
    created           INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    role    INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
    PRIMARY KEY (site, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_account ON members (account);

CREATE TABLE sign_ins (
    secret  BLOB    NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    agent   TEXT    NOT NULL
) STRICT;
CREATE INDEX sign_ins_account ON sign_ins (account, created);
CREATE INDEX sign_ins_expires ON sign_ins (expires);

CREATE TABLE tokens (
    id      INTEGER PRIMARY KEY,
    secret  BLOB    NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name    TEXT    NOT NULL,
    -- NULL: all sites of the account.
    site    INTEGER REFERENCES sites ON DELETE CASCADE,
    -- A JSON array of names.
    scopes  TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_account ON tokens (account);
CREATE INDEX tokens_site ON tokens (site);

CREATE TABLE invitations (
    id         INTEGER PRIMARY KEY,
    secret     BLOB    NOT NULL UNIQUE,
    site       INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    role       INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
    invited_by INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    note       TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT;
CREATE INDEX invitations_site ON invitations (site);
CREATE INDEX invitations_invited_by ON invitations (invited_by);
CREATE INDEX invitations_expires ON invitations (expires);

CREATE TABLE shares (
    id      INTEGER PRIMARY KEY,
    secret  BLOB    NOT NULL UNIQUE,
    site    INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    name    TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX shares_site ON shares (site);

CREATE TABLE salts (
    name    TEXT    PRIMARY KEY,
    salt    BLOB    NOT NULL CHECK (length(salt) = 32),
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
