-- What became of each item: the one definition, for DuckDB here and for Spark where one machine is too small.
--
-- restored, live: a row an item. key_high, key_low: 128 bits of its key. item: 64 bits of its text, so equal means
-- equal, and different means "to be looked at". n: where it lies. present: false for a key whose item is absent, which
-- only an incremental export knows of. Of live also: modified, last_faulty, earlier_faulty (drcore/diff/policy.py).
-- rules: one row. by_time: whether the time decides; recovery_point: in microseconds; restored_partial, live_partial:
-- that side has only the keys that were touched, so a key that it lacks has not changed.
SELECT
    restored.n AS restored_n,
    live.n AS live_n,
    CASE
        WHEN restored.n IS NULL AND rules.restored_partial THEN 'same'
        WHEN live.n IS NULL AND rules.live_partial THEN 'same'
        WHEN NOT COALESCE(live.present, FALSE) AND NOT COALESCE(restored.present, FALSE) THEN 'absent'
        WHEN NOT COALESCE(live.present, FALSE) THEN 'gone'
        WHEN NOT COALESCE(restored.present, FALSE) AND live.last_faulty THEN 'new-faulty'
        WHEN NOT COALESCE(restored.present, FALSE) THEN 'new'
        WHEN restored.item = live.item THEN 'same'
        WHEN live.last_faulty THEN 'faulty'
        WHEN rules.by_time AND live.modified IS NULL THEN 'timeless'
        WHEN rules.by_time AND live.modified <= rules.recovery_point THEN 'silent'
        WHEN live.earlier_faulty THEN 'before'
        ELSE 'later'
    END AS why
FROM restored
FULL OUTER JOIN live ON restored.key_high = live.key_high AND restored.key_low = live.key_low
CROSS JOIN rules
