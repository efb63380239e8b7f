-- When each conversation was begun, as in `value`: figures are of those of some days.
ALTER TABLE conversations ADD COLUMN opened INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET opened = json_extract(value, '$.opened');
CREATE INDEX conversations_opened ON conversations (site, opened);
