-- Callers on the phone are served beside everybody else: finds what is due for them among any number of
-- escalations. The kinds are those of `store/timers.rs`.
CREATE INDEX timers_of_callers ON timers (ready_at)
    WHERE set_aside = 0 AND kind IN ('connect', 'ring', 'leave', 'hangup', 'leg-deadline', 'leg-join', 'callback-ring');
