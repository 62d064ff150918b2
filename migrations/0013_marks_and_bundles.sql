-- Contact methods to which nothing gets any more, by the word of whoever delivers: not used until
-- declared anew or the mark is taken away. The address is the one that failed: another one is not marked.
CREATE TABLE marks (
    org_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    method_id TEXT NOT NULL,
    -- As in attempts.
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    -- The provider's code, and what it says.
    code TEXT,
    why TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (org_id, person_id, method_id)
);

-- How many messages a person gets on a channel: the instant up to which the places are taken. P1 pages,
-- other pages and notices have places of their own (lane: urgent, other, notice).
CREATE TABLE paces (
    org_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    lane TEXT NOT NULL,
    full_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, person_id, channel, lane)
);

-- A page that found no place is in the state `waiting`, in its lane, until a place is free. Then it goes
-- out, or one page for all that wait says it as well: that page's alert is its bundle.
ALTER TABLE attempts ADD COLUMN lane TEXT;
ALTER TABLE attempts ADD COLUMN bundle_id TEXT;
-- It has its place: no other is taken when it is tried again.
ALTER TABLE attempts ADD COLUMN paced SMALLINT NOT NULL DEFAULT 0;
-- A page about a P1: it is claimed before all others, however many are due.
ALTER TABLE attempts ADD COLUMN urgent SMALLINT NOT NULL DEFAULT 0;
-- Since when it found its provider's line full; null: it did not.
ALTER TABLE attempts ADD COLUMN stood_since BIGINT;
CREATE INDEX attempts_urgent ON attempts (urgent, ready_at)
WHERE urgent = 1 AND state IN ('due', 'sending') AND set_aside = 0;
CREATE INDEX attempts_waiting ON attempts (org_id, person_id, channel, lane, id) WHERE state = 'waiting';
CREATE INDEX attempts_bundle ON attempts (org_id, bundle_id, alert_id) WHERE bundle_id IS NOT NULL;

-- `spent` counts days as well: kind `call/day` or `sms/day`, `hour` the first one of the day (UTC); and the
-- numbers that were dialled or texted (subject `number:+49…`).
