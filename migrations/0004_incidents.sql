-- Incidents: the story of an outage as customers hear it, on the hotline and by SMS. Not alerts.

CREATE TABLE incidents (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- What people call it by.
    number BIGINT NOT NULL,
    title TEXT NOT NULL,
    -- Of the texts, the one that stands in for a language without a text.
    language TEXT NOT NULL,
    -- Language → text, the latest: {"de": "…"}.
    texts TEXT NOT NULL,
    -- Whom it touches: ["acme"]. Both empty: everybody.
    customers TEXT NOT NULL,
    contracts TEXT NOT NULL,
    -- investigating, identified, monitoring, resolved
    state TEXT NOT NULL,
    -- Rises with each change, for compare-and-set.
    rev BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    resolved_at BIGINT,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX incidents_number ON incidents (org_id, number);
-- Asked by every call whose flow tells of incidents.
CREATE INDEX incidents_open ON incidents (org_id, id) WHERE state <> 'resolved';

-- What was told when, the first one at its opening.
CREATE TABLE incident_updates (
    org_id TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    rev BIGINT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- As in incidents; {} when only the state changed.
    texts TEXT NOT NULL,
    -- person:ID, operator:NAME
    by_whom TEXT NOT NULL,
    PRIMARY KEY (org_id, incident_id, rev)
);

-- Callers who want to hear how it goes on, by SMS. Rows go when the incident is resolved.
CREATE TABLE incident_followers (
    org_id TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    -- Of their call.
    language TEXT NOT NULL,
    -- Whose spending the SMS is.
    hotline TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (org_id, incident_id, phone)
);
CREATE INDEX incident_followers_phone ON incident_followers (org_id, phone);
