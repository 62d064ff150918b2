-- Whether the attempt was counted against the hour's cap: once, however often it is tried.
ALTER TABLE attempts ADD COLUMN charged SMALLINT NOT NULL DEFAULT 0;

-- `set_aside` is 1 until the MSP has been told, then 2.
CREATE INDEX attempts_untold ON attempts (ready_at) WHERE set_aside = 1;
CREATE INDEX timers_untold ON timers (ready_at) WHERE set_aside = 1;
