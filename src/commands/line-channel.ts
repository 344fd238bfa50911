import type { ControlAnswer, ControlClient, ControlRequest } from "../api/control-client.ts";
import { ERROR_CODES, LogveilError } from "../errors.ts";
import type { LineEpochSource } from "../keys/epoch-material.ts";
import { decodeMaterial } from "../keys/material-text.ts";
import { encodeSessions } from "../token/sealed-session.ts";
import type { SealedSession, SealedSessionSink } from "../token/sealed-session.ts";
import type { FedEpoch } from "../vault/log-ingestion.ts";

/** In base64, of what the other end takes at once; one record has 100 KB at most. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** The seam between the planes, over the control socket: keys that make tokens and seal come in, sealed records go out. */
export type LineChannel = LineEpochSource & SealedSessionSink;

/** Rejects `rotation-differs` when the other end's `session.rotate` is not `rotateMs`. */
export function createLineChannel(client: ControlClient, rotateMs: number): LineChannel {
  return {
    lineMaterialOf: async (epoch) => {
      const call = { method: "POST", path: "/control/lines/epoch", body: { epoch } } as const;
      const fed = JSON.parse((await ask(client, call)).body) as FedEpoch; // our own API's answer
      if (fed.rotateMs !== rotateMs) throw new LogveilError("rotation-differs");
      return decodeMaterial(fed.material);
    },
    append: async (sessions) => {
      for (const some of batchesOf(sessions)) {
        const path = "/control/lines/sessions";
        await ask(client, { method: "POST", path, body: encodeSessions(some) });
      }
    },
  };
}

async function ask(client: ControlClient, call: ControlRequest): Promise<ControlAnswer> {
  const answer = await client(call);
  if (answer.status === 200) return answer;
  const named = /"code":"([a-z-]+)"/.exec(answer.body)?.[1];
  const code = answer.status === 403 ? "access-denied" : ERROR_CODES.find((one) => one === named);
  throw new LogveilError(code ?? "store-unavailable");
}

function* batchesOf(sessions: readonly SealedSession[]): Generator<readonly SealedSession[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, { record }] of sessions.entries()) {
    bytes += 64 + (record.length * 4) / 3;
    if (bytes < MAX_BATCH_BYTES) continue;
    yield sessions.slice(from, at + 1);
    from = at + 1;
    bytes = 0;
  }
  if (from < sessions.length) yield sessions.slice(from);
}
