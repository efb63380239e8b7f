-- What a ban of the account bars: keyed hashes of 32 bytes each of the browser and the address that signed in.
ALTER TABLE sign_ins ADD COLUMN marks BLOB NOT NULL DEFAULT x'';
