-- Days of which only totals are known, as another program counted them. A slot is a table and a day: `TotalsTable::slot`.
CREATE TABLE day_totals (
    site INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
    slot INTEGER NOT NULL,
    -- JSON.
    body TEXT    NOT NULL,
    PRIMARY KEY (site, slot)
) STRICT, WITHOUT ROWID;
