import { createGunzip } from "node:zlib";
import type { Gunzip } from "node:zlib";
import { LogveilError } from "../errors.ts";

/** A step of gzip input: what comes out of one is 4 MiB at most, however it was packed. */
const GZIP_STEP_BYTES = 4096;

/**
 * The bytes of a log, unpacked when they begin as gzip does (RFC 1952 section 2.3.1), several members included. Rejects `input-damaged`,
 * when everything that could be unpacked has been given out, for gzip that is cut off or broken.
 */
export async function* readChunks(
  source: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0);
  let gunzip: Gunzip | undefined;
  let isKnown = false;
  for await (const piece of source) {
    const bytes = Buffer.concat([head, Buffer.from(piece as Uint8Array)]);
    head = Buffer.alloc(0);
    if (!isKnown && bytes.length < 2) {
      head = bytes;
      continue;
    }
    if (!isKnown && bytes[0] === 0x1f && bytes[1] === 0x8b) gunzip = createPatientGunzip();
    isKnown = true;
    if (gunzip === undefined) yield bytes;
    else yield* unpack(gunzip, bytes);
  }
  if (head.length > 0) yield head;
  if (gunzip !== undefined) yield* unpackRest(gunzip);
}

/** A failure that comes between two steps is told to the next one. */
function createPatientGunzip(): Gunzip {
  return createGunzip().on("error", () => undefined);
}

async function* unpack(gunzip: Gunzip, bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += GZIP_STEP_BYTES)
    yield* outputOf(gunzip, (done) => {
      gunzip.write(bytes.subarray(at, at + GZIP_STEP_BYTES), done);
    });
}

async function* unpackRest(gunzip: Gunzip): AsyncGenerator<Buffer> {
  yield* outputOf(gunzip, (done) => {
    gunzip.once("end", () => done());
    gunzip.end();
  });
}

/** What a step gives, also when it fails in the end: in flowing mode nothing of it waits in a buffer that the failure would discard. */
async function* outputOf(
  gunzip: Gunzip,
  step: (done: (failure?: Error | null) => void) => void,
): AsyncGenerator<Buffer> {
  const output: Buffer[] = [];
  const collect = (chunk: Buffer) => void output.push(chunk);
  let fail: (failure: Error) => void = () => undefined;
  const failure = await new Promise<Error | undefined>((resolve) => {
    fail = resolve;
    gunzip.on("data", collect).on("error", fail);
    step((problem) => resolve(problem ?? undefined));
  });
  gunzip.off("data", collect).off("error", fail);
  yield* output;
  if (failure !== undefined) throw new LogveilError("input-damaged", { cause: failure });
}
