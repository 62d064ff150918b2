-- Whether the attempt was counted against the hour's cap: once, however often it is tried.
ALTER TABLE attempts ADD COLUMN charged SMALLINT NOT NULL DEFAULT 0;
