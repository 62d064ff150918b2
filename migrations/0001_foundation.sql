-- The whole state of Pikett, for SQLite and PostgreSQL alike: only types and statements that both
-- understand. Instants are BIGINT milliseconds since 1970 (UTC), flags SMALLINT 0 or 1, documents JSON
-- in TEXT. Every key begins with org_id, the partition key, so that the same schema can be distributed.
-- There are no foreign keys: units of work write what belongs together, and a distributed database
-- could not check them.

CREATE TABLE orgs (
    org_id TEXT NOT NULL PRIMARY KEY,
    -- Rises with every apply that changed something; the service loads its directory anew.
    revision BIGINT NOT NULL,
    -- Processes reserve alert numbers in blocks: a counter per alert would make all intake wait for one row.
    next_alert_number BIGINT NOT NULL
);
INSERT INTO orgs (org_id, revision, next_alert_number) VALUES ('default', 0, 1);

-- One row per declared thing, in its normalised wire form.
CREATE TABLE declared (
    org_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (org_id, kind, id)
);

-- Never changed, never deleted: a call stays on the version that it began with.
CREATE TABLE flow_versions (
    org_id TEXT NOT NULL,
    flow_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    file TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, flow_id, version)
);

-- What Pikett makes for itself once: the VAPID key, the key that signs links.
CREATE TABLE secrets (
    org_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (org_id, name)
);

-- API tokens. Only the SHA-256 is kept: a token is long and random, so it needs no slow hash.
CREATE TABLE tokens (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX tokens_sha256 ON tokens (org_id, sha256);

CREATE TABLE alerts (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    title TEXT NOT NULL,
    -- triggered, acknowledged, resolved
    state TEXT NOT NULL,
    -- P1 to P4
    priority TEXT NOT NULL,
    category TEXT,
    -- call:ID, integration:ID, operator, pikett
    source TEXT NOT NULL,
    customer_id TEXT,
    contract_id TEXT,
    policy_id TEXT,
    -- The policy as it was when the alert began: it escalates by that one to its end.
    policy TEXT,
    -- Whose keys these are (an integration, or Pikett's own): two senders may use the same words.
    dedup_scope TEXT,
    dedup_key TEXT,
    -- How often it was raised while open.
    count BIGINT NOT NULL,
    -- The level that was told last, from 0; NULL before the first.
    level BIGINT,
    round BIGINT NOT NULL,
    -- The escalation's own memory between two decisions.
    progress TEXT,
    -- person:ID, integration:ID, operator:NAME, pikett
    acknowledged_by TEXT,
    acknowledged_at BIGINT,
    resolved_by TEXT,
    resolved_at BIGINT,
    opened_at BIGINT NOT NULL,
    call_id TEXT,
    -- A running `connect` of this call rings people for the alert: their voice pages wait for its end.
    held_by_call TEXT,
    details TEXT NOT NULL,
    -- Rises with each change of progress, for compare-and-set.
    rev BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX alerts_number ON alerts (org_id, number);
-- At most one open alert per key. It also is the list of what is open: rows without a key stand in it too.
CREATE UNIQUE INDEX alerts_open ON alerts (org_id, dedup_scope, dedup_key) WHERE state <> 'resolved';

CREATE TABLE timeline (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    alert_id TEXT,
    call_id TEXT,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- A whole sentence with its reason; the fields behind it are in `detail`.
    text TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX timeline_alert ON timeline (org_id, alert_id, id) WHERE alert_id IS NOT NULL;
CREATE INDEX timeline_call ON timeline (org_id, call_id, id) WHERE call_id IS NOT NULL;

-- "At this instant look at that." A subject has one timer per kind: setting it again moves it.
CREATE TABLE timers (
    org_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    -- When somebody may take it: due_at, and while it is taken the end of the lease, so that one index
    -- finds what is due and what a crashed worker left behind.
    ready_at BIGINT NOT NULL,
    -- Names the claim; an outcome with another lease is refused.
    lease TEXT,
    tries BIGINT NOT NULL,
    payload TEXT NOT NULL,
    -- Failed too often: out of everybody's way, and reported.
    set_aside SMALLINT NOT NULL,
    PRIMARY KEY (org_id, kind, subject)
);
CREATE INDEX timers_ready ON timers (ready_at) WHERE set_aside = 0;

-- The duty to tell one person about one alert.
CREATE TABLE notifications (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    level BIGINT NOT NULL,
    round BIGINT NOT NULL,
    -- high, low
    urgency TEXT NOT NULL,
    -- Why this person.
    reason TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    -- Nothing more is tried for it.
    done SMALLINT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX notifications_alert ON notifications (org_id, alert_id, id);

-- The outbox: one try to tell something over one contact method. An SMS to a caller or an answer to
-- an SMS has no alert, notification, person or method.
CREATE TABLE attempts (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    notification_id TEXT,
    alert_id TEXT,
    person_id TEXT,
    method_id TEXT,
    -- sms, voice, email, push
    channel TEXT NOT NULL,
    -- As it was when the attempt was planned: a later declaration does not redirect it.
    address TEXT NOT NULL,
    -- page (stops with an acknowledgement), notice, reply
    kind TEXT NOT NULL,
    -- What is said, as JSON.
    text TEXT NOT NULL,
    -- due, held, sending, sent, delivered, failed, unknown, dropped
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    -- As in timers.
    ready_at BIGINT NOT NULL,
    lease TEXT,
    tries BIGINT NOT NULL,
    -- An earlier try may have reached the provider: it is asked before anything is sent again.
    unsure SMALLINT NOT NULL,
    carrier TEXT,
    provider_id TEXT,
    code TEXT,
    message TEXT,
    latency_ms BIGINT,
    -- How far the provider's reports got: they come in any order, twice or late, and only rise.
    status_rank BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    ended_at BIGINT,
    -- When to ask the provider, because no report came.
    deadline_at BIGINT,
    set_aside SMALLINT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX attempts_ready ON attempts (ready_at) WHERE state IN ('due', 'sending') AND set_aside = 0;
CREATE INDEX attempts_alert ON attempts (org_id, alert_id, id) WHERE alert_id IS NOT NULL;
CREATE INDEX attempts_provider ON attempts (org_id, provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE calls (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    carrier TEXT NOT NULL,
    carrier_call TEXT NOT NULL,
    -- NULL when the number was withheld.
    from_number TEXT,
    hotline TEXT NOT NULL,
    contract_id TEXT,
    customer_id TEXT,
    contact_id TEXT,
    verified SMALLINT NOT NULL,
    language TEXT,
    category TEXT,
    priority TEXT,
    -- connected, voicemail, goodbye, forwarded, callback, missed, rejected, failed; NULL while it lives
    outcome TEXT,
    last_step TEXT NOT NULL,
    -- ivr, recording, waiting, leaving (to be taken out of the queue), accepted, bridged, away (at an
    -- outside number), ended
    phase TEXT NOT NULL,
    -- The flow engine's state, and what a running `connect` plans and has done.
    state TEXT NOT NULL,
    turn BIGINT NOT NULL,
    connect TEXT,
    answered_by TEXT,
    waited_ms BIGINT NOT NULL,
    alert_id TEXT,
    flow_id TEXT NOT NULL,
    flow_version BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (org_id, id)
);
-- A carrier may deliver the first webhook twice: the second finds the call.
CREATE UNIQUE INDEX calls_carrier_call ON calls (org_id, carrier, carrier_call);
CREATE INDEX calls_started ON calls (org_id, started_at);
CREATE INDEX calls_live ON calls (org_id, phase) WHERE ended_at IS NULL;

-- What was answered at each turn: a repeated webhook gets the same document again.
CREATE TABLE turns (
    org_id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    turn BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (org_id, call_id, turn)
);

CREATE TABLE legs (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    method_id TEXT NOT NULL,
    number TEXT NOT NULL,
    carrier TEXT NOT NULL,
    -- NULL until the carrier has named it.
    carrier_call TEXT,
    -- queued, ringing, answered, accepted, bridged, ended
    state TEXT NOT NULL,
    -- Since when it is in this state.
    since BIGINT NOT NULL,
    -- How far the carrier's reports got: they come in any order, twice or late, and only rise.
    status_rank BIGINT NOT NULL,
    -- Why it ended, or will end as soon as the carrier has done it.
    result TEXT,
    code TEXT,
    level BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    answered_at BIGINT,
    bridged_at BIGINT,
    ended_at BIGINT,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX legs_call ON legs (org_id, call_id, id);
CREATE INDEX legs_carrier_call ON legs (org_id, carrier, carrier_call) WHERE carrier_call IS NOT NULL;
-- A technician is rung for one caller at a time, also when two nodes decide at once.
CREATE UNIQUE INDEX legs_person_live ON legs (org_id, person_id) WHERE state <> 'ended';

CREATE TABLE voicemails (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    alert_id TEXT,
    carrier TEXT NOT NULL,
    -- The carrier's name for it.
    recording TEXT NOT NULL,
    url TEXT NOT NULL,
    seconds BIGINT NOT NULL,
    transcript TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX voicemails_recording ON voicemails (org_id, call_id, recording);

-- Tries of PINs per subject (contract:ID, caller:NUMBER, hotline:NUMBER), shared by all parallel calls.
-- A try counts before it is checked, so that many at once get no more of them.
CREATE TABLE pin_locks (
    org_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    fails BIGINT NOT NULL,
    -- When the first of these was counted.
    fails_since BIGINT NOT NULL,
    fails_since_success BIGINT NOT NULL,
    locked_until BIGINT,
    lock_s BIGINT NOT NULL,
    PRIMARY KEY (org_id, subject)
);

-- Requests that were answered already: the same one again gets the same answer and has no second effect.
CREATE TABLE seen (
    org_id TEXT NOT NULL,
    key TEXT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (org_id, key)
);
CREATE INDEX seen_at ON seen (org_id, at);

-- The language that a number chose last time.
CREATE TABLE languages (
    org_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    language TEXT NOT NULL,
    PRIMARY KEY (org_id, phone)
);

-- What cost money, per clock hour (hours since 1970), for the caps.
CREATE TABLE spent (
    org_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    hour BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (org_id, kind, subject, hour)
);
