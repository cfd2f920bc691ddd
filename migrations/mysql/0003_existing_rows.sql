-- Rows that were there before the triggers. Those that the log knows already are left alone.
START TRANSACTION;
SELECT revision FROM dynmcp_revision WHERE id = 1 FOR UPDATE;

INSERT INTO dynmcp_changes (revision, xds_type, `key`, body, gone, changed_at)
SELECT counter.revision + ROW_NUMBER() OVER (ORDER BY existing.id),
       UPPER(COALESCE(existing.xds_type, '')), COALESCE(existing.`key`, ''), COALESCE(existing.xds_json, ''), 0,
       ROUND(1000 * COALESCE(UNIX_TIMESTAMP(existing.update_time), UNIX_TIMESTAMP()))
FROM dynmcp_xds AS existing
JOIN dynmcp_revision AS counter ON counter.id = 1
WHERE existing.status <=> 1
  AND NOT EXISTS (SELECT 1 FROM dynmcp_changes AS known
                  WHERE known.xds_type = UPPER(COALESCE(existing.xds_type, ''))
                    AND known.`key` = COALESCE(existing.`key`, ''));

UPDATE dynmcp_revision
SET revision = GREATEST(revision, (SELECT COALESCE(MAX(revision), 0) FROM dynmcp_changes))
WHERE id = 1;

INSERT INTO dynmcp_store (name, value) VALUES ('version', 1) ON DUPLICATE KEY UPDATE value = 1;
COMMIT;
