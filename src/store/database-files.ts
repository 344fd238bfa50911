import { chmod, mkdir, open, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { LogveilError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { metaKey } from "./key-layout.ts";

// Where the database lies and how it is opened. LevelDB starts an empty database wherever it finds no CURRENT file, and deletes the tables
// that the lost one had; and it does not miss a log file that is gone. A marker outside its folder and a record inside it tell both.

/** Binary keys and values throughout. `compactRange` is LevelDB's own, which the types of `level` (shared with browsers) leave out. */
export type OpenLevel = Level<Uint8Array, Uint8Array> & {
  readonly compactRange: (start: Uint8Array, end: Uint8Array) => Promise<void>;
};

/** Value of the record `m | format`: the version of key-layout.ts that wrote the database. */
const FORMAT = Buffer.of(1);

const MIB = 1024 * 1024;

const LEVEL_OPTIONS = {
  keyEncoding: "view",
  valueEncoding: "view",
  // Sealed records and MACs do not compress, and what keys have in common LevelDB leaves out by itself.
  compression: false,
  // LevelDB maps its tables into memory: files × size is what a scan of a large store adds to the resident set. 74 is its minimum.
  maxOpenFiles: 74,
  maxFileSize: 2 * MIB,
  writeBufferSize: 4 * MIB,
  cacheSize: 8 * MIB,
} as const;

/**
 * Opens `<dir>/store`, or creates it when neither it nor its marker exists. Rejects `store-missing`, `store-corrupt`, `store-locked`, or
 * `store-unavailable` for whatever else the disk refuses. Repairs nothing, and creates nothing where a store has been before.
 */
export async function openDatabaseFiles(dir: string): Promise<OpenLevel> {
  const marker = await exists(markerOf(dir));
  const isNew = isNewDatabase(await namesIn(folderOf(dir)), marker);
  await makePrivate(folderOf(dir));
  const level = await openLevel(dir, isNew);
  try {
    await checkFormat(level, marker);
    if (!marker) await writeMarker(dir);
    return level;
  } catch (error) {
    await level.close();
    throw error instanceof LogveilError ? error : unavailable(error);
  }
}

function folderOf(dir: string): string {
  return join(dir, "store");
}

function markerOf(dir: string): string {
  return join(dir, "store.marker");
}

// SECURITY: only a folder that never held a database may become a new one. A MANIFEST alone, without a marker, is a creation cut short.
function isNewDatabase(names: readonly string[], marker: boolean): boolean {
  if (names.includes("CURRENT")) return false;
  if (names.some((name) => /\.(?:ldb|sst|log)$/.test(name)))
    throw new LogveilError("store-corrupt");
  if (!marker) return true;
  const wasDatabase = names.some((name) => name.startsWith("MANIFEST-"));
  throw new LogveilError(wasDatabase ? "store-corrupt" : "store-missing");
}

async function openLevel(dir: string, isNew: boolean): Promise<OpenLevel> {
  const level = new Level<Uint8Array, Uint8Array>(folderOf(dir), {
    ...LEVEL_OPTIONS,
    createIfMissing: isNew,
  });
  try {
    await level.open();
  } catch (error) {
    throw new LogveilError(await codeOf(error, dir, isNew), { cause: error });
  }
  if (!isOpenLevel(level)) throw new TypeError("level is not classic-level");
  return level;
}

function isOpenLevel(level: Level<Uint8Array, Uint8Array>): level is OpenLevel {
  return "compactRange" in level;
}

/** The reason is in the cause: abstract-level wraps it in a "not open" of its own. */
async function codeOf(error: unknown, dir: string, isNew: boolean): Promise<ErrorCode> {
  const code = codeIn(error instanceof Error ? error.cause : undefined);
  if (code === "LEVEL_LOCKED") return "store-locked";
  if (code === "LEVEL_CORRUPTION") return "store-corrupt";
  return isNew || (await hasManifest(dir)) ? "store-unavailable" : "store-corrupt";
}

/** LevelDB reports a lost MANIFEST as an I/O error, like a full disk. */
async function hasManifest(dir: string): Promise<boolean> {
  const current = await readFile(join(folderOf(dir), "CURRENT"), "utf8").catch(() => "");
  return (await namesIn(folderOf(dir))).includes(current.trimEnd());
}

async function checkFormat(level: OpenLevel, marker: boolean): Promise<void> {
  const format = await level.get(metaKey("format"));
  if (format === undefined) {
    if (marker) throw new LogveilError("store-missing");
    await level.put(metaKey("format"), FORMAT, { sync: true });
  } else if (!FORMAT.equals(format)) {
    throw new LogveilError("store-corrupt");
  }
}

async function writeMarker(dir: string): Promise<void> {
  const file = await open(markerOf(dir), "w", 0o600);
  try {
    await file.writeFile(
      "A logveil store exists beside this file. Without it, a lost store would be replaced by an empty one.\n",
    );
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dir);
}

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function makePrivate(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  } catch (error) {
    throw unavailable(error);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeIn(error) === "ENOENT") return [];
    throw unavailable(error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeIn(error) === "ENOENT") return false;
    throw unavailable(error);
  }
}

function unavailable(cause: unknown): LogveilError {
  return new LogveilError("store-unavailable", { cause });
}

function codeIn(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
