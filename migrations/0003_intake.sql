-- Which question of an intake the recording answers; NULL: a message of its own.
ALTER TABLE voicemails ADD COLUMN question TEXT;
