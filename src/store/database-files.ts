import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { LogveilError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { metaKey } from "./key-layout.ts";
import { codeIn, exists, makePrivateFolder, namesIn, writePrivateFile } from "./private-folder.ts";

// Where a database lies and how it is opened. LevelDB starts an empty database wherever it finds no CURRENT file, and deletes the tables
// that the lost one had; and it does not miss a log file that is gone. A mark outside its folder and a record inside it tell both.

/** Binary keys and values throughout. `compactRange` is LevelDB's own, which the types of `level` (shared with browsers) leave out. */
export type OpenLevel = Level<Uint8Array, Uint8Array> & {
  readonly compactRange: (start: Uint8Array, end: Uint8Array) => Promise<void>;
};

/** One database on the disk. */
export type DatabaseFiles = {
  readonly folder: string;
  /** Whether a database has been in there; known from outside the folder. */
  readonly isMarked: () => Promise<boolean>;
  /** On the disk when it resolves. Called once the database exists, and before anything else is stored in it. */
  readonly mark: () => Promise<void>;
};

/**
 * Value of the record `m | format`: the version of key-layout.ts that wrote the database. In a main database of version 1 lie the
 * sessions of all epochs too (session-move.ts).
 */
export const FORMAT = Buffer.of(2);
export const FORMAT_WITH_SESSIONS = Buffer.of(1);

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
  // Of each database that is open: the main one, and a few epochs'.
  cacheSize: 4 * MIB,
} as const;

/** The main database: `<dir>/store`, marked by a file beside it. */
export function mainFiles(dir: string): DatabaseFiles {
  return {
    folder: join(dir, "store"),
    isMarked: () => exists(join(dir, "store.marker")),
    mark: () => writePrivateFile(dir, "store.marker", MARKER_TEXT),
  };
}

const MARKER_TEXT =
  "A logveil store exists beside this file. Without it, a lost store would be replaced by an empty one.\n";

/** Opens the main database of `dir`. */
export async function openDatabaseFiles(dir: string): Promise<OpenLevel> {
  return openFiles(mainFiles(dir));
}

/**
 * Opens the database, or creates it when neither it nor its mark exists. Rejects `store-missing`, `store-corrupt`, `store-locked`, or
 * `store-unavailable` for whatever else the disk refuses. Repairs nothing, and creates nothing where a database has been before.
 */
export async function openFiles(files: DatabaseFiles): Promise<OpenLevel> {
  const { folder } = files;
  const isMarked = await files.isMarked();
  const isNew = isNewDatabase(await namesIn(folder), isMarked);
  await makePrivateFolder(folder);
  const level = await openLevel(folder, isNew);
  try {
    await checkFormat(level, isMarked);
    if (!isMarked) await files.mark();
    return level;
  } catch (error) {
    await level.close();
    throw error instanceof LogveilError
      ? error
      : new LogveilError("store-unavailable", { cause: error });
  }
}

// SECURITY: only a folder that never held a database may become a new one. A MANIFEST alone, without a mark, is a creation cut short.
function isNewDatabase(names: readonly string[], isMarked: boolean): boolean {
  if (names.includes("CURRENT")) return false;
  if (names.some((name) => /\.(?:ldb|sst|log)$/.test(name)))
    throw new LogveilError("store-corrupt");
  if (!isMarked) return true;
  const wasDatabase = names.some((name) => name.startsWith("MANIFEST-"));
  throw new LogveilError(wasDatabase ? "store-corrupt" : "store-missing");
}

async function openLevel(folder: string, isNew: boolean): Promise<OpenLevel> {
  const level = new Level<Uint8Array, Uint8Array>(folder, {
    ...LEVEL_OPTIONS,
    createIfMissing: isNew,
  });
  try {
    await level.open();
  } catch (error) {
    throw new LogveilError(await codeOf(error, folder, isNew), { cause: error });
  }
  if (!isOpenLevel(level)) throw new TypeError("level is not classic-level");
  return level;
}

function isOpenLevel(level: Level<Uint8Array, Uint8Array>): level is OpenLevel {
  return "compactRange" in level;
}

/** The reason is in the cause: abstract-level wraps it in a "not open" of its own. */
async function codeOf(error: unknown, folder: string, isNew: boolean): Promise<ErrorCode> {
  const code = codeIn(error instanceof Error ? error.cause : undefined);
  if (code === "LEVEL_LOCKED") return "store-locked";
  if (code === "LEVEL_CORRUPTION") return "store-corrupt";
  return isNew || (await hasManifest(folder)) ? "store-unavailable" : "store-corrupt";
}

/** LevelDB reports a lost MANIFEST as an I/O error, like a full disk. */
async function hasManifest(folder: string): Promise<boolean> {
  const current = await readFile(join(folder, "CURRENT"), "utf8").catch(() => "");
  return (await namesIn(folder)).includes(current.trimEnd());
}

async function checkFormat(level: OpenLevel, isMarked: boolean): Promise<void> {
  const format = await level.get(metaKey("format"));
  if (format === undefined) {
    if (isMarked) throw new LogveilError("store-missing");
    await level.put(metaKey("format"), FORMAT, { sync: true });
  } else if (!FORMAT.equals(format) && !FORMAT_WITH_SESSIONS.equals(format)) {
    throw new LogveilError("store-corrupt");
  }
}
