-- What a name server keeps.

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

CREATE TABLE removed_names (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT    NOT NULL,
  address       TEXT    NOT NULL,
  owner         TEXT    NOT NULL,
  removed_at_ms INTEGER NOT NULL,
  reason        TEXT    NOT NULL
) STRICT;
