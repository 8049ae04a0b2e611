-- Times are microseconds since 1970 UTC. Lists that are only ever read whole are JSON.

CREATE TABLE videos (
    id                TEXT PRIMARY KEY,
    owner             TEXT NOT NULL,
    title             TEXT NOT NULL,
    source            TEXT NOT NULL,
    state             TEXT NOT NULL,
    epoch             INTEGER NOT NULL,
    parts             TEXT NOT NULL,
    received_bytes    INTEGER NOT NULL,
    declared_size     INTEGER,
    plans             TEXT NOT NULL,
    current_plan      TEXT,
    whole_plan        TEXT,
    average_bandwidth TEXT NOT NULL,
    error_code        TEXT,
    error_message     TEXT,
    warnings          TEXT NOT NULL,
    priority          TEXT NOT NULL,
    created_at_us     INTEGER NOT NULL,
    uploaded_at_us    INTEGER,
    playable_at_us    INTEGER,
    ready_at_us       INTEGER,
    deleted_at_us     INTEGER,
    duration_us       INTEGER,
    width_px          INTEGER,
    height_px         INTEGER,
    stored_bytes      INTEGER,
    -- What VideoRow::is_unfinished says, so that an index can hold just those.
    unfinished        INTEGER NOT NULL
) STRICT;

CREATE INDEX videos_newest ON videos (created_at_us, id) WHERE state <> 'deleted';
CREATE INDEX videos_by_owner ON videos (owner, created_at_us, id) WHERE state <> 'deleted';
CREATE INDEX videos_unfinished ON videos (created_at_us, id) WHERE unfinished = 1;
CREATE INDEX videos_tombstones ON videos (created_at_us, id) WHERE state = 'deleted';

CREATE TABLE uploads (
    id            TEXT PRIMARY KEY,
    video         TEXT NOT NULL,
    owner         TEXT NOT NULL,
    durable_bytes INTEGER NOT NULL,
    declared_size INTEGER,
    complete      INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL
) STRICT;

CREATE INDEX uploads_by_video ON uploads (video);
CREATE INDEX uploads_incomplete ON uploads (updated_at_us) WHERE complete = 0;

CREATE TABLE tries (
    video       TEXT NOT NULL,
    rendition   TEXT NOT NULL,
    segment     INTEGER NOT NULL,
    counted     INTEGER NOT NULL,
    unexplained INTEGER NOT NULL,
    marked      INTEGER NOT NULL,
    PRIMARY KEY (video, rendition, segment)
) STRICT, WITHOUT ROWID;

CREATE TABLE fillers (
    video     TEXT NOT NULL,
    rendition TEXT NOT NULL,
    segment   INTEGER NOT NULL,
    PRIMARY KEY (video, rendition, segment)
) STRICT, WITHOUT ROWID;

CREATE TABLE owners (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    created_at_us INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    id            TEXT PRIMARY KEY,
    owner         TEXT NOT NULL,
    name          TEXT NOT NULL,
    hash          BLOB NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    revoked_at_us INTEGER
) STRICT;

CREATE TABLE sign_in_codes (
    hash          BLOB PRIMARY KEY,
    owner         TEXT NOT NULL,
    expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_in_sessions (
    hash          BLOB PRIMARY KEY,
    owner         TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a place is never used twice, not after pruning either.
CREATE TABLE events (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    event TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_age ON events (at_us);
