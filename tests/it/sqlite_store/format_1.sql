CREATE TABLE records (
    prefix TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (prefix, key)
) WITHOUT ROWID;
CREATE TABLE meta (
    prefix TEXT NOT NULL PRIMARY KEY,
    lineage TEXT NOT NULL,
    generation INTEGER NOT NULL,
    digest TEXT NOT NULL,
    "commit" TEXT,
    actor TEXT,
    applied_at REAL NOT NULL,
    version TEXT NOT NULL,
    buckets TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE specs (
    prefix TEXT NOT NULL,
    flag TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (prefix, flag)
) WITHOUT ROWID;
CREATE TABLE removed (
    prefix TEXT NOT NULL,
    flag TEXT NOT NULL,
    generation INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (prefix, flag)
) WITHOUT ROWID;
CREATE TABLE history (
    prefix TEXT NOT NULL,
    generation INTEGER NOT NULL,
    id TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT,
    "commit" TEXT,
    source TEXT NOT NULL,
    reason TEXT,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    records TEXT NOT NULL,
    PRIMARY KEY (prefix, generation)
);
PRAGMA journal_mode = wal;
PRAGMA user_version = 1;
INSERT INTO records VALUES ('ff', 'a', '{"enabled":true}');
INSERT INTO meta VALUES ('ff', 'lineage', 7, 'digest', 'abc123', 'ada', 1700000000.25, '0.1.0', 'formula');
INSERT INTO specs VALUES ('ff', 'a', 'd1');
INSERT INTO history VALUES ('ff', 7, 'commit-7', 1700000000.25, 'ada', 'abc123', 'apply', NULL, '0.1.0', 'digest', '{"a":[null,"{}"]}');
