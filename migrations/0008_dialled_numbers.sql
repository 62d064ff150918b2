-- The number that was phoned: a hotline may have several. Null: its first one, which `hotline` is.
ALTER TABLE calls ADD COLUMN to_number TEXT;
