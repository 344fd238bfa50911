import { constants, open } from "node:fs/promises";
import { LogveilError } from "../../errors.ts";

const OTHERS = 0o077;
/** An ingestion key has 32 characters or so; what is longer is not one. */
const MAX_FILE_BYTES = 1024;

/** Rejects `ingestion-key-exposed` when others may read the file, `ingestion-key-unreadable`, also for what can be no key. */
export async function readKeyFile(path: string): Promise<string> {
  try {
    // Without waiting: a pipe that nobody writes to would hold up the start, or the end.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    // SECURITY: asked of the open file, so that nobody swaps it between the question and the reading.
    if (((await file.stat()).mode & OTHERS) !== 0) throw new LogveilError("ingestion-key-exposed");
    const content = Buffer.alloc(MAX_FILE_BYTES);
    const { bytesRead } = await file.read(content, 0, MAX_FILE_BYTES, 0);
    const key = content.toString("latin1", 0, bytesRead).trim();
    // A header field is made of it.
    if (!/^[\x21-\x7e]{1,512}$/.test(key)) throw new LogveilError("ingestion-key-unreadable");
    return key;
  } catch (cause) {
    if (cause instanceof LogveilError) throw cause;
    throw new LogveilError("ingestion-key-unreadable", { cause });
  }
}
