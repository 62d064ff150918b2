-- Ways to reach people that were added beside what is declared by file. Nothing but a code or a link goes there before
-- its owner has proved that it arrives.
CREATE TABLE own_contacts (
    org_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    method_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    -- How long after the beginning of a page it is tried; NULL: not for this urgency.
    after_high_ms BIGINT,
    after_low_ms BIGINT,
    added_at BIGINT NOT NULL,
    -- The code that was sent last. It is worth nothing after some minutes, some wrong tries, or one success, so it is kept
    -- as it is.
    code TEXT,
    code_until BIGINT,
    code_tries BIGINT NOT NULL,
    verified_at BIGINT,
    PRIMARY KEY (org_id, person_id, method_id)
);
-- Only what is proved is anybody's own: whoever merely names an address keeps it from nobody.
CREATE UNIQUE INDEX own_contacts_address ON own_contacts (org_id, channel, address) WHERE verified_at IS NOT NULL;

-- Numbers from which STOP was written, and not START since: no SMS goes there.
CREATE TABLE stopped_numbers (
    org_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (org_id, phone)
);
