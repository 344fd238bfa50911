import { setTimeout as delay } from "node:timers/promises";

const PAUSE_MS = 5;
const PATIENCE_MS = 15_000;

/** Asks `attempt` again until it gives something, and gives that. Fails, saying what it waited for, when it never does. */
export async function eventually<Result>(
  what: string,
  attempt: () => Promise<Result | undefined> | Result | undefined,
): Promise<Result> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await delay(PAUSE_MS);
  }
}
