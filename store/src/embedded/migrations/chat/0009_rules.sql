-- Rules by which sites speak to visitors first, and how often: one row a site.
CREATE TABLE rules (
    site  INTEGER PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
-- To whom they were said: of rule and visitor a hash each, until its time is over.
CREATE TABLE rule_marks (
    site  INTEGER NOT NULL,
    mark  BLOB    NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (site, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX rule_marks_until ON rule_marks (site, until);
