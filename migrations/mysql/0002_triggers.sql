-- Raw INSERT, UPDATE and DELETE count like the gateway's own. They run with the rights of whoever migrated, so that
-- writers need no rights but those on dynmcp_xds. TRUNCATE fires no trigger; use DELETE.

CREATE TRIGGER IF NOT EXISTS dynmcp_revision_drawn BEFORE UPDATE ON dynmcp_revision FOR EACH ROW
BEGIN
    DECLARE kept, held, forgotten BIGINT;
    IF NEW.`key` IS NOT NULL THEN
        INSERT INTO dynmcp_changes (revision, xds_type, `key`, body, gone, changed_at)
        VALUES (NEW.revision, NEW.xds_type, NEW.`key`, NEW.body, NEW.body IS NULL, ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000));

        -- The log bounds itself, whoever writes. FOR UPDATE reads what is there now, not the transaction's snapshot.
        SELECT value INTO kept FROM dynmcp_store WHERE name = 'history' FOR UPDATE;
        SELECT COUNT(*) INTO held FROM dynmcp_changes
        WHERE xds_type = NEW.xds_type AND `key` = NEW.`key` FOR UPDATE;
        IF held > kept THEN
            SET held = held - kept;
            DELETE FROM dynmcp_changes WHERE xds_type = NEW.xds_type AND `key` = NEW.`key`
            ORDER BY revision LIMIT held;
        END IF;

        SELECT value INTO kept FROM dynmcp_store WHERE name = 'horizon' FOR UPDATE;
        SELECT MAX(revision) INTO forgotten FROM dynmcp_changes
        WHERE gone = 1 AND revision <= NEW.revision - kept FOR UPDATE;
        IF forgotten IS NOT NULL THEN
            UPDATE dynmcp_store SET value = forgotten WHERE name = 'floor' AND value < forgotten;
            DELETE older FROM dynmcp_changes AS deletion
            JOIN dynmcp_changes AS older
              ON older.xds_type = deletion.xds_type AND older.`key` = deletion.`key`
             AND older.revision <= deletion.revision
            WHERE deletion.gone = 1 AND deletion.revision <= forgotten;
        END IF;
    END IF;
    SET NEW.xds_type = NULL, NEW.`key` = NULL, NEW.body = NULL;
END;

-- Every statement takes first its row, then the counter: an UPDATE cannot do otherwise, since the server locks the row
-- before it fires a trigger, so an INSERT does the same, and the counter has no part in a circle of two statements of one
-- row each.
-- Made before the trigger for INSERT, so that a row which the log knows is never changed behind its back.
CREATE TRIGGER IF NOT EXISTS dynmcp_xds_updated AFTER UPDATE ON dynmcp_xds FOR EACH ROW
BEGIN
    DECLARE same_place BOOLEAN DEFAULT OLD.`key` <=> NEW.`key` AND OLD.xds_type <=> NEW.xds_type;
    IF OLD.status <=> 1 AND NOT (NEW.status <=> 1 AND same_place) THEN
        UPDATE dynmcp_revision
        SET revision = revision + 1, xds_type = UPPER(COALESCE(OLD.xds_type, '')), `key` = COALESCE(OLD.`key`, ''),
            body = NULL
        WHERE id = 1;
    END IF;
    -- Touching the time stamp is no change.
    IF NEW.status <=> 1 AND NOT (OLD.status <=> 1 AND same_place AND OLD.xds_json <=> NEW.xds_json) THEN
        UPDATE dynmcp_revision
        SET revision = revision + 1, xds_type = UPPER(COALESCE(NEW.xds_type, '')), `key` = COALESCE(NEW.`key`, ''),
            body = COALESCE(NEW.xds_json, '')
        WHERE id = 1;
    END IF;
END;

CREATE TRIGGER IF NOT EXISTS dynmcp_xds_deleted AFTER DELETE ON dynmcp_xds FOR EACH ROW
BEGIN
    IF OLD.status <=> 1 THEN
        UPDATE dynmcp_revision
        SET revision = revision + 1, xds_type = UPPER(COALESCE(OLD.xds_type, '')), `key` = COALESCE(OLD.`key`, ''),
            body = NULL
        WHERE id = 1;
    END IF;
END;

CREATE TRIGGER IF NOT EXISTS dynmcp_xds_inserted AFTER INSERT ON dynmcp_xds FOR EACH ROW
BEGIN
    IF NEW.status <=> 1 THEN
        UPDATE dynmcp_revision
        SET revision = revision + 1, xds_type = UPPER(COALESCE(NEW.xds_type, '')), `key` = COALESCE(NEW.`key`, ''),
            body = COALESCE(NEW.xds_json, '')
        WHERE id = 1;
    END IF;
END;
