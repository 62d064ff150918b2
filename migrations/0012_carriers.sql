-- What came of the last try to reach a number through a carrier: which way it is tried first.
CREATE TABLE carried (
    org_id TEXT NOT NULL,
    -- sms, voice
    channel TEXT NOT NULL,
    phone TEXT NOT NULL,
    carrier TEXT NOT NULL,
    delivered SMALLINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (org_id, channel, phone, carrier)
);
CREATE INDEX carried_at ON carried (org_id, at);

-- Through which carriers an attempt was tried before the one that took it, and why not through those: JSON.
ALTER TABLE attempts ADD COLUMN tried TEXT;
