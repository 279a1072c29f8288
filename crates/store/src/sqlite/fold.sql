-- The index: a fold over the log and the manifests. Dropped and made again at will, so it has no migrations: a new layout is a new
-- LAYOUT of fold.rs.

CREATE TABLE fold_state (
    layout      INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    nodes       INTEGER NOT NULL,
    collections INTEGER NOT NULL
);

-- The frontier of each log's tree.
CREATE TABLE fold_frontier (
    origin INTEGER NOT NULL PRIMARY KEY,
    size   INTEGER NOT NULL,
    peaks  BLOB    NOT NULL
);

-- Numbers by first appearance.
CREATE TABLE fold_node (
    number INTEGER NOT NULL PRIMARY KEY,
    id     BLOB    NOT NULL UNIQUE
);

CREATE TABLE fold_project (
    number INTEGER NOT NULL PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE
);

-- brief: keizu_record::brief, what a graph's index asks of a record.
CREATE TABLE fold_entry (
    position INTEGER NOT NULL PRIMARY KEY,
    kind     INTEGER NOT NULL,
    subject  INTEGER NOT NULL,
    object   INTEGER,
    place    INTEGER,
    happened INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    project  INTEGER,
    brief    INTEGER NOT NULL
);
CREATE INDEX fold_entry_kind ON fold_entry (kind, position);
-- The kind is in them so that a node with very many entries is asked without a look at each.
CREATE INDEX fold_entry_subject ON fold_entry (subject, position, kind);
CREATE INDEX fold_entry_object ON fold_entry (object, position, kind) WHERE object IS NOT NULL;
CREATE INDEX fold_entry_place ON fold_entry (place, position, kind) WHERE place IS NOT NULL;

-- opened: whether its manifest was there.
CREATE TABLE fold_collection (
    number INTEGER NOT NULL PRIMARY KEY,
    digest BLOB    NOT NULL UNIQUE,
    opened INTEGER NOT NULL
);

CREATE TABLE fold_member (
    collection INTEGER NOT NULL,
    path       BLOB    NOT NULL,
    member     BLOB    NOT NULL,
    size       INTEGER NOT NULL,
    PRIMARY KEY (collection, path)
);
CREATE INDEX fold_member_member ON fold_member (member);
