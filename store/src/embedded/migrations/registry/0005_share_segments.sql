-- The saved segment that a share link is limited to; NULL: to none. It refers to no row on purpose: a link whose segment was removed
-- shows nothing, where a reference that is emptied would open it.
ALTER TABLE shares ADD COLUMN segment INTEGER;
