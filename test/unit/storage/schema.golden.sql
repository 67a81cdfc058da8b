CREATE TABLE actors (
  kind            TEXT    NOT NULL,
  id              TEXT    NOT NULL,
  machine_version INTEGER NOT NULL,
  status          TEXT    NOT NULL CHECK (status IN ('running', 'parked')),
  parked_reason   TEXT    NOT NULL DEFAULT '',
  snapshot        TEXT    NOT NULL, -- JSON: value and context
  state           TEXT    NOT NULL,
  settled         INTEGER NOT NULL CHECK (settled IN (0, 1)),
  image           TEXT,
  replica         TEXT,
  number          TEXT,
  seq             INTEGER NOT NULL,
  epoch           INTEGER NOT NULL,
  created_at_ms   INTEGER NOT NULL,
  updated_at_ms   INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX actors_by_age ON actors (kind, created_at_ms DESC, id DESC);

CREATE INDEX actors_by_image ON actors (kind, image, number);

CREATE INDEX actors_by_replica ON actors (kind, replica, created_at_ms);

CREATE INDEX actors_unsettled ON actors (kind, id) WHERE settled = 0;

CREATE TABLE effects (
  effect_id     TEXT    PRIMARY KEY,
  kind          TEXT    NOT NULL, -- of the actor
  id            TEXT    NOT NULL,
  seq           INTEGER NOT NULL,
  effect        TEXT    NOT NULL,
  params        TEXT    NOT NULL, -- JSON
  status        TEXT    NOT NULL CHECK (status IN ('running', 'done', 'failed', 'stopped', 'lost')),
  epoch         INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms   INTEGER,
  error         TEXT -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX effects_by_actor ON effects (kind, id, seq);

CREATE INDEX effects_running ON effects (effect_id) WHERE status = 'running';

CREATE TABLE "events" (
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

CREATE UNIQUE INDEX events_by_actor ON events (kind, id, seq);

CREATE TABLE inbox (
  instance   TEXT    NOT NULL, -- of the sender's state database
  message_id INTEGER NOT NULL,
  PRIMARY KEY (instance, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE names (
  name             TEXT    PRIMARY KEY,
  address          TEXT    NOT NULL,
  metadata         TEXT    NOT NULL, -- JSON: sorted list
  owner            TEXT    NOT NULL, -- a node, or operator
  lease_s          INTEGER,
  registered_at_ms INTEGER NOT NULL,
  renewed_at_ms    INTEGER NOT NULL,
  expires_at_ms    INTEGER,
  state            TEXT    NOT NULL CHECK (state IN ('reachable', 'suspect', 'unreachable')),
  state_at_ms      INTEGER NOT NULL,
  state_reason     TEXT    NOT NULL,
  CHECK ((lease_s IS NULL) = (expires_at_ms IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX names_by_owner ON names (owner);

CREATE TABLE outbox (
  message_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  peer          TEXT    NOT NULL,
  to_kind       TEXT    NOT NULL,
  to_id         TEXT    NOT NULL,
  input         TEXT    NOT NULL, -- JSON, null: never creates
  event         TEXT    NOT NULL, -- JSON
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_by_peer ON outbox (peer, message_id);

CREATE TABLE processes (
  pid        INTEGER PRIMARY KEY,
  start_time TEXT    NOT NULL,
  effect_id  TEXT    NOT NULL,
  command    TEXT    NOT NULL
) STRICT;

CREATE TABLE progress (
  kind             TEXT    NOT NULL,
  id               TEXT    NOT NULL,
  attempt          INTEGER NOT NULL,
  stream_bytes     INTEGER NOT NULL,
  link_bytes       INTEGER NOT NULL,
  total_bytes      INTEGER,
  rate_bytes_per_s INTEGER NOT NULL,
  started_at_ms    INTEGER NOT NULL,
  at_ms            INTEGER NOT NULL, taken_bytes INTEGER NOT NULL DEFAULT 0, checkpoint_bytes INTEGER, checkpoint_at_ms INTEGER,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE removed_names (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT    NOT NULL,
  address       TEXT    NOT NULL,
  owner         TEXT    NOT NULL,
  removed_at_ms INTEGER NOT NULL,
  reason        TEXT    NOT NULL
) STRICT;

CREATE TABLE throughput (
  replica      TEXT    NOT NULL,
  at_s         INTEGER NOT NULL,
  stream_bytes INTEGER NOT NULL,
  link_bytes   INTEGER NOT NULL,
  PRIMARY KEY (replica, at_s)
) STRICT, WITHOUT ROWID;

CREATE INDEX throughput_by_age ON throughput (at_s);

CREATE TABLE timers (
  kind      TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  timer     TEXT    NOT NULL,
  event     TEXT    NOT NULL, -- JSON
  due_at_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, id, timer)
) STRICT, WITHOUT ROWID;

CREATE INDEX timers_by_due ON timers (due_at_ms);
