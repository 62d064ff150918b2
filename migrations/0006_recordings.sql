-- Where the recording of a message is, in `voicemails.state`: kept (noted; the carrier has it), fetched
-- (sealed with us, the carrier has it still), stored (with us alone), lost (the carrier never gave it),
-- removed (its time is over). The file is named by the voicemail's id.
ALTER TABLE voicemails ADD COLUMN language TEXT;
-- Whether the flow wants it in words.
ALTER TABLE voicemails ADD COLUMN transcribe SMALLINT NOT NULL DEFAULT 0;
-- When its time is over; NULL until it was fetched.
ALTER TABLE voicemails ADD COLUMN remove_at BIGINT;
CREATE INDEX voicemails_alert ON voicemails (org_id, alert_id, id) WHERE alert_id IS NOT NULL;

-- Since when the caller waits for a human: who is served first, and what they hear of their place.
ALTER TABLE calls ADD COLUMN waits_since BIGINT;
