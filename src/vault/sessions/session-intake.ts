import type { SessionTrees } from "../../keys/session-trees.ts";
import type { SealedSession, SessionSink } from "../../store/session-sink.ts";

/**
 * The vault's side of the seam: what the data plane has sealed gets the layer that can be taken from a single session
 * (keys/session-trees.ts) and goes into the store.
 */
export function createSessionIntake(
  records: SessionSink,
  trees: Pick<SessionTrees, "cover">,
): SessionSink {
  return {
    append: async (sessions) => records.append(await coverAll(sessions, trees)),
  };
}

async function coverAll(
  sessions: readonly SealedSession[],
  trees: Pick<SessionTrees, "cover">,
): Promise<readonly SealedSession[]> {
  const covered: SealedSession[] = [];
  for (const session of sessions) {
    const record = trees.cover(session.epoch, session.tag, session.record);
    // Only the first record of an epoch waits, for the epoch's file.
    covered.push({ ...session, record: record instanceof Promise ? await record : record });
  }
  return covered;
}
