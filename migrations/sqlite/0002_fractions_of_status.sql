-- A `status` of 1.4 is not 1. A column of SQLite takes it whatever its type is, and as an integer it was 1. But for that the
-- triggers are those of the first step.
DROP TRIGGER dynmcp_xds_inserted;
DROP TRIGGER dynmcp_xds_updated;

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
           CASE WHEN CAST(NEW.status AS REAL) IS 1.0 THEN CAST(coalesce(NEW.xds_json, '') AS BLOB) END,
           NEW.rowid, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    WHERE CAST(NEW.status AS REAL) IS 1.0
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
           CASE WHEN CAST(NEW.status AS REAL) IS 1.0 THEN CAST(coalesce(NEW.xds_json, '') AS BLOB) END,
           NEW.rowid, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    WHERE CAST(NEW.status AS REAL) IS 1.0
       OR (SELECT body FROM dynmcp_changes
           WHERE xds_type = upper(coalesce(NEW.xds_type, '')) AND key = coalesce(NEW.key, '')
           ORDER BY revision DESC LIMIT 1) IS NOT NULL;
END;

-- Rows that were served by their whole part, and the other way round: '10e-1' is 1.
UPDATE dynmcp_xds SET status = status
WHERE (CAST(status AS INTEGER) IS 1) <> (CAST(status AS REAL) IS 1.0);
