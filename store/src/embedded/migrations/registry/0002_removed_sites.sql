-- Sites that were removed. Their history is another file's: a process that was killed between the two finds here
-- what is still to be forgotten.
CREATE TABLE removed_sites (
    site INTEGER PRIMARY KEY
) STRICT;
CREATE TRIGGER removed_site AFTER DELETE ON sites
BEGIN
    INSERT INTO removed_sites (site) VALUES (old.id) ON CONFLICT DO NOTHING;
END;
