-- Promises to call a customer back. Each has an alert of its own, by which people learn of it.
CREATE TABLE callbacks (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- In which it was promised: one per call.
    call_id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    number TEXT NOT NULL,
    -- What the customer sees when they are called.
    hotline TEXT NOT NULL,
    language TEXT NOT NULL,
    -- promised, kept (they talked), done (somebody said so)
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    -- How often it was told that the time is over.
    overdue BIGINT NOT NULL,
    -- How often somebody was rung for it in vain since they took it.
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    -- person:ID, operator:NAME
    settled_by TEXT,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX callbacks_call ON callbacks (org_id, call_id);
CREATE INDEX callbacks_alert ON callbacks (org_id, alert_id);
CREATE INDEX callbacks_open ON callbacks (org_id, due_at) WHERE state = 'promised';

-- Rung to keep that promise, not for a caller who waits.
ALTER TABLE legs ADD COLUMN callback_id TEXT;
CREATE INDEX legs_callback ON legs (org_id, callback_id, id) WHERE callback_id IS NOT NULL;
