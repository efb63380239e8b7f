-- What of a room somebody wants to be told of: 0 everything, 1 what is meant for them, 2 nothing.
ALTER TABLE members ADD COLUMN notify INTEGER NOT NULL DEFAULT 1 CHECK (notify BETWEEN 0 AND 2);
