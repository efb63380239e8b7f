-- Alerts of sites and what came of them: one row a site.
CREATE TABLE alerts (
    site  INTEGER PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
