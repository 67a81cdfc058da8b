-- What every event did and why, in the order of all events of the node; and how fast bytes went to each replica.

CREATE TABLE new_events (
  -- In the order of the commits, and never given twice: what somebody who follows the events has seen last.
  event_id        INTEGER PRIMARY KEY AUTOINCREMENT,
  kind            TEXT    NOT NULL,
  id              TEXT    NOT NULL,
  seq             INTEGER NOT NULL,
  at_ms           INTEGER NOT NULL,
  epoch           INTEGER NOT NULL,
  machine_version INTEGER NOT NULL,
  event           TEXT    NOT NULL, -- JSON
  cause           TEXT    NOT NULL, -- JSON
  state_before    TEXT    NOT NULL, -- empty: it made the actor
  state           TEXT    NOT NULL, -- after the event
  attempt         INTEGER NOT NULL, -- after the event; 0: none
  handled         INTEGER NOT NULL CHECK (handled IN (0, 1)),
  ignored_reason  TEXT    NOT NULL, -- empty: it was handled
  guards          TEXT    NOT NULL, -- JSON: list of guard and whether it passed
  intents         TEXT    NOT NULL, -- JSON: list of what the machine asked for
  digest          TEXT    NOT NULL  -- of the snapshot after the event; empty: written by an older release
) STRICT;

INSERT INTO new_events (kind, id, seq, at_ms, epoch, machine_version, event, cause, state_before, state, attempt,
  handled, ignored_reason, guards, intents, digest)
SELECT kind, id, seq, at_ms, epoch, machine_version, event, cause,
  lag(state, 1, '') OVER (PARTITION BY kind, id ORDER BY seq), state, 0, handled, '', '[]', '[]', ''
FROM events ORDER BY at_ms, kind, id, seq;

DROP TABLE events;
ALTER TABLE new_events RENAME TO events;
CREATE UNIQUE INDEX events_by_actor ON events (kind, id, seq);

-- Bytes that went to a replica in the ten seconds from `at_s` on.
CREATE TABLE throughput (
  replica      TEXT    NOT NULL,
  at_s         INTEGER NOT NULL,
  stream_bytes INTEGER NOT NULL,
  link_bytes   INTEGER NOT NULL,
  PRIMARY KEY (replica, at_s)
) STRICT, WITHOUT ROWID;

CREATE INDEX throughput_by_age ON throughput (at_s);

-- What of the stream the replica has: taken out of the link, and on its disk as it said.
ALTER TABLE progress ADD COLUMN taken_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE progress ADD COLUMN checkpoint_bytes INTEGER;
ALTER TABLE progress ADD COLUMN checkpoint_at_ms INTEGER;
