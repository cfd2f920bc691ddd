// Says what the built files were made of. A test of the gateway computes the same and compares, without Node.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join, relative, sep } from "node:path";

const console_ = fileURLToPath(new URL("..", import.meta.url));
const built = join(console_, "../mcp-axum/assets/console");
const SOURCES = ["package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "scripts", "public", "src"];
const STAMP = "stamp.txt";

function files(path) {
  return statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => files(join(path, name))) : [path];
}

/** Of names and contents, in the order of names as bytes. */
function digest(root, paths) {
  const named = paths.map((path) => [relative(root, path).split(sep).join("/"), path]);
  named.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const hash = createHash("sha256");
  for (const [name, path] of named) {
    const content = readFileSync(path);
    hash.update(`${name}\n${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}

const sources = digest(console_, SOURCES.flatMap((name) => files(join(console_, name))));
const made = digest(built, files(built).filter((path) => !path.endsWith(STAMP)));
writeFileSync(join(built, STAMP), `sources ${sources}\nbuilt ${made}\n`);
console.log(`sources ${sources}\nbuilt ${made}`);
