-- Who of the site's visitors the customer is, as in `value`.
ALTER TABLE conversations ADD COLUMN visitor TEXT;
UPDATE conversations SET visitor = json_extract(value, '$.visitor.visitor') || '-' || json_extract(value, '$.visitor.browser');
CREATE INDEX conversations_visitor ON conversations (site, visitor, last_at, room) WHERE visitor IS NOT NULL;

-- Who of each site's agents was in the inbox when, and whose turn it was.
CREATE TABLE duty (
    site  INTEGER PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
