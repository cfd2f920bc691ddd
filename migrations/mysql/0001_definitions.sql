-- Definitions, as the first version of DynMCP laid them out. INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) is
-- enough. A table that is there already is adapted next, with its rows; see the end of this file.
--
-- MySQL commits every DDL statement, so a migration may break off anywhere. All of it can run again.
-- utf8mb4_bin stands for the server's binary collation without padding (utf8mb4_nopad_bin, utf8mb4_0900_bin): ids that
-- differ in case, accents or trailing spaces are different ids.
CREATE TABLE IF NOT EXISTS dynmcp_xds (
    id          BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    `key`       VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin        NOT NULL,
    xds_type    VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
    xds_json    LONGTEXT     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin        NOT NULL,
    status      INT          NOT NULL DEFAULT 1,
    create_time DATETIME     NULL DEFAULT CURRENT_TIMESTAMP,
    update_time DATETIME     NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    UNIQUE KEY dynmcp_xds_type_key (xds_type, `key`),
    -- So that `WHERE `key` = …` locks the rows it means, and not all.
    KEY dynmcp_xds_key (`key`)
) ENGINE = InnoDB;

-- Every change of a definition, in the order of commits. Rows are never marked as consumed.
CREATE TABLE IF NOT EXISTS dynmcp_changes (
    revision   BIGINT       NOT NULL PRIMARY KEY,
    xds_type   VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, -- upper case
    `key`      VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    body       LONGBLOB     NULL,     -- NULL: deleted, disabled or renamed away
    gone       TINYINT      NOT NULL, -- 1 where body is NULL
    changed_at BIGINT       NOT NULL, -- milliseconds since 1970
    principal  VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL, -- NULL: a raw SQL write
    KEY dynmcp_changes_key (xds_type, `key`, revision),
    KEY dynmcp_changes_gone (gone, revision)
) ENGINE = InnoDB;

-- history: revisions kept per key. horizon: a deletion is forgotten when this many revisions came after it.
-- floor: consumers that have not reached this revision may have missed a forgotten deletion and must load again.
-- version: of this schema, written last.
CREATE TABLE IF NOT EXISTS dynmcp_store (
    name  VARCHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
) ENGINE = InnoDB;
INSERT IGNORE INTO dynmcp_store (name, value) VALUES ('history', 50), ('horizon', 100000), ('floor', 0);

-- The counter. Whoever draws a revision holds this row until the end of its transaction, so revisions are committed in
-- the order of their numbers. A change is handed to it, and its trigger files it.
CREATE TABLE IF NOT EXISTS dynmcp_revision (
    id       TINYINT      NOT NULL PRIMARY KEY,
    revision BIGINT       NOT NULL,
    xds_type VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `key`    VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    body     LONGBLOB     NULL
) ENGINE = InnoDB;
INSERT IGNORE INTO dynmcp_revision (id, revision) VALUES (1, 0);

-- Here the gateway adapts a table that was there before: columns, collations, engine, and the unique key, which is
-- (xds_type, `key`) since a tool and an instance may share an id.
