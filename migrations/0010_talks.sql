-- Whether the recording is of a talk with a technician, which the flow wanted recorded: it pages nobody.
ALTER TABLE voicemails ADD COLUMN talk SMALLINT NOT NULL DEFAULT 0;
