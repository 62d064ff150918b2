-- An event may come again and be more urgent than before. `priority_before` is the alert's priority before the
-- last event with its key: whoever wrote that event learns from it whether the priority rose.
ALTER TABLE alerts ADD COLUMN priority_before TEXT;
-- The priority from which it rose while it was triggered; NULL as soon as its escalation has taken note.
ALTER TABLE alerts ADD COLUMN risen_from TEXT;

-- When the last try ended: a provider may ask for a long wait, and one whose end is unknown is looked for from here on.
ALTER TABLE attempts ADD COLUMN tried_at BIGINT;
