-- Definitions, as the first version of DynMCP laid them out. `INSERT INTO dynmcp_xds (key, xds_type, xds_json)` is
-- enough. A table that is there already, with its rows, is taken over.
CREATE TABLE IF NOT EXISTS dynmcp_xds (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL,
    xds_type    TEXT    NOT NULL,
    xds_json    TEXT    NOT NULL,
    status      INTEGER NOT NULL DEFAULT 1,
    create_time TEXT             DEFAULT CURRENT_TIMESTAMP,
    update_time TEXT             DEFAULT CURRENT_TIMESTAMP
);

-- Every change of a definition, in the order of commits: SQLite lets one writer in at a time, so the number that a
-- writer draws inside its transaction is larger than every number committed before. Rows are never marked as consumed.
-- Everything here has to work with the SQLite of whoever writes (3.9 or later): the triggers run in their process.
CREATE TABLE dynmcp_changes (
    revision   INTEGER PRIMARY KEY AUTOINCREMENT,
    xds_type   TEXT    NOT NULL, -- upper case
    key        TEXT    NOT NULL,
    body       BLOB,             -- NULL: deleted, disabled or renamed away
    row_id     INTEGER,          -- the row of dynmcp_xds that holds it
    changed_at INTEGER NOT NULL, -- milliseconds since 1970
    principal  TEXT              -- NULL: a raw SQL write
);
CREATE INDEX dynmcp_changes_key ON dynmcp_changes (xds_type, key, revision);
CREATE INDEX dynmcp_changes_row ON dynmcp_changes (row_id, revision);
CREATE INDEX dynmcp_changes_gone ON dynmcp_changes (revision) WHERE body IS NULL;

-- history: revisions kept per key. horizon: a deletion is forgotten when this many revisions came after it.
-- floor: consumers that have not reached this revision may have missed a forgotten deletion and must load again.
CREATE TABLE dynmcp_store (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO dynmcp_store (name, value) VALUES ('history', 50), ('horizon', 100000), ('floor', 0);

-- Rows that are there already. Of several rows for one definition the youngest counts, the others become its history.
INSERT INTO dynmcp_changes (xds_type, key, body, row_id, changed_at)
SELECT upper(coalesce(xds_type, '')), coalesce(key, ''), CAST(coalesce(xds_json, '') AS BLOB), rowid,
       1000 * CAST(coalesce(strftime('%s', update_time), strftime('%s', 'now')) AS INTEGER)
FROM dynmcp_xds
WHERE CAST(status AS INTEGER) IS 1
ORDER BY rowid;

DELETE FROM dynmcp_xds
WHERE EXISTS (
    SELECT 1 FROM dynmcp_xds AS younger
    WHERE younger.key = dynmcp_xds.key
      AND upper(younger.xds_type) = upper(dynmcp_xds.xds_type)
      AND (CAST(younger.status AS INTEGER) IS 1) >= (CAST(dynmcp_xds.status AS INTEGER) IS 1)
      AND (younger.rowid > dynmcp_xds.rowid
           OR (CAST(younger.status AS INTEGER) IS 1) > (CAST(dynmcp_xds.status AS INTEGER) IS 1))
);

-- One definition, one row; `ON CONFLICT (xds_type, key)` finds it.
CREATE UNIQUE INDEX dynmcp_xds_type_key ON dynmcp_xds (xds_type COLLATE NOCASE, key);

CREATE TRIGGER dynmcp_xds_inserted AFTER INSERT ON dynmcp_xds
BEGIN
    -- INSERT OR REPLACE by id takes another definition's row without firing its delete trigger.
    INSERT INTO dynmcp_changes (xds_type, key, row_id, changed_at)
    SELECT held.xds_type, held.key, held.row_id, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    FROM dynmcp_changes AS held
    WHERE held.row_id = NEW.rowid AND held.body IS NOT NULL
      AND NOT (held.xds_type = upper(coalesce(NEW.xds_type, '')) AND held.key = coalesce(NEW.key, ''))
      AND held.revision = (SELECT max(revision) FROM dynmcp_changes
                           WHERE xds_type = held.xds_type AND key = held.key);

    INSERT INTO dynmcp_changes (xds_type, key, body, row_id, changed_at)
    SELECT upper(coalesce(NEW.xds_type, '')), coalesce(NEW.key, ''),
           CASE WHEN CAST(NEW.status AS INTEGER) IS 1 THEN CAST(coalesce(NEW.xds_json, '') AS BLOB) END,
           NEW.rowid, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    WHERE CAST(NEW.status AS INTEGER) IS 1
       OR (SELECT body FROM dynmcp_changes
           WHERE xds_type = upper(coalesce(NEW.xds_type, '')) AND key = coalesce(NEW.key, '')
           ORDER BY revision DESC LIMIT 1) IS NOT NULL;
END;

CREATE TRIGGER dynmcp_xds_updated AFTER UPDATE OF id, key, xds_type, xds_json, status ON dynmcp_xds
BEGIN
    -- What stood in this row, before or by UPDATE OR REPLACE, and is not what stands there now.
    INSERT INTO dynmcp_changes (xds_type, key, row_id, changed_at)
    SELECT held.xds_type, held.key, held.row_id, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    FROM dynmcp_changes AS held
    WHERE held.row_id IN (OLD.rowid, NEW.rowid) AND held.body IS NOT NULL
      AND NOT (held.xds_type = upper(coalesce(NEW.xds_type, '')) AND held.key = coalesce(NEW.key, ''))
      AND held.revision = (SELECT max(revision) FROM dynmcp_changes
                           WHERE xds_type = held.xds_type AND key = held.key);

    INSERT INTO dynmcp_changes (xds_type, key, body, row_id, changed_at)
    SELECT upper(coalesce(NEW.xds_type, '')), coalesce(NEW.key, ''),
           CASE WHEN CAST(NEW.status AS INTEGER) IS 1 THEN CAST(coalesce(NEW.xds_json, '') AS BLOB) END,
           NEW.rowid, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    WHERE CAST(NEW.status AS INTEGER) IS 1
       OR (SELECT body FROM dynmcp_changes
           WHERE xds_type = upper(coalesce(NEW.xds_type, '')) AND key = coalesce(NEW.key, '')
           ORDER BY revision DESC LIMIT 1) IS NOT NULL;
END;

CREATE TRIGGER dynmcp_xds_deleted AFTER DELETE ON dynmcp_xds
BEGIN
    INSERT INTO dynmcp_changes (xds_type, key, row_id, changed_at)
    SELECT held.xds_type, held.key, held.row_id, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    FROM dynmcp_changes AS held
    WHERE held.xds_type = upper(coalesce(OLD.xds_type, '')) AND held.key = coalesce(OLD.key, '')
      AND held.body IS NOT NULL
      AND held.revision = (SELECT max(revision) FROM dynmcp_changes
                           WHERE xds_type = held.xds_type AND key = held.key);
END;

-- The log bounds itself, whoever writes. The newest row of a key always stays until the horizon has passed.
CREATE TRIGGER dynmcp_changes_bounded AFTER INSERT ON dynmcp_changes
BEGIN
    DELETE FROM dynmcp_changes
    WHERE xds_type = NEW.xds_type AND key = NEW.key
      AND revision <= (SELECT revision FROM dynmcp_changes
                       WHERE xds_type = NEW.xds_type AND key = NEW.key
                       ORDER BY revision DESC
                       LIMIT 1 OFFSET (SELECT max(value, 1) FROM dynmcp_store WHERE name = 'history'));

    UPDATE dynmcp_store
    SET value = coalesce((SELECT max(revision) FROM dynmcp_changes
                          WHERE body IS NULL AND revision <= NEW.revision
                              - (SELECT value FROM dynmcp_store WHERE name = 'horizon')), value)
    WHERE name = 'floor'
      AND EXISTS (SELECT 1 FROM dynmcp_changes
                  WHERE body IS NULL AND revision <= NEW.revision
                      - (SELECT value FROM dynmcp_store WHERE name = 'horizon'));

    DELETE FROM dynmcp_changes
    WHERE revision IN (
        SELECT older.revision
        FROM dynmcp_changes AS gone
        JOIN dynmcp_changes AS older
          ON older.xds_type = gone.xds_type AND older.key = gone.key AND older.revision <= gone.revision
        WHERE gone.body IS NULL AND gone.revision <= NEW.revision
            - (SELECT value FROM dynmcp_store WHERE name = 'horizon')
    );
END;
