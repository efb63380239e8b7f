-- Where the browser of a sign-in is reached by Web Push, as JSON: it ends with the sign-in.
ALTER TABLE sign_ins ADD COLUMN browser TEXT;
CREATE UNIQUE INDEX sign_ins_endpoint ON sign_ins (browser ->> '$.endpoint');
-- How often the account is mailed what it missed: 0 never, 1 hourly, 2 daily.
ALTER TABLE accounts ADD COLUMN digest INTEGER NOT NULL DEFAULT 0 CHECK (digest BETWEEN 0 AND 2);
