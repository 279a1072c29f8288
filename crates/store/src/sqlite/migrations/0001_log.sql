-- The truth. Everything else is folded from it (fold.sql).

-- One log per origin.
CREATE TABLE log_origin (
    number INTEGER NOT NULL PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    key    BLOB    NOT NULL
);

-- position: order of arrival over all logs, from 1. place: place in the log, from 0. bytes: the sealed record.
CREATE TABLE log (
    position INTEGER NOT NULL PRIMARY KEY,
    origin   INTEGER NOT NULL REFERENCES log_origin (number),
    place    INTEGER NOT NULL CHECK (place >= 0),
    id       BLOB    NOT NULL,
    bytes    BLOB    NOT NULL,
    UNIQUE (origin, place)
);

-- Signed notes.
CREATE TABLE log_checkpoint (
    origin INTEGER NOT NULL REFERENCES log_origin (number),
    size   INTEGER NOT NULL,
    note   TEXT    NOT NULL,
    PRIMARY KEY (origin, size)
);
