// Appends sessions to the store in the folder of its first argument until it is killed, and prints those that were acknowledged. Goes on
// to a new epoch all the time, from its third argument, and sweeps those before the last three: of these it prints `swept` beforehand.

import { writeSync } from "node:fs";
import { systemClock } from "../../src/clock.ts";
import { createEventLog } from "../../src/event-log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openStore } from "../../src/store/store.ts";
import { aSession } from "./store-folder.ts";

const [, , dir = "", durability = "", firstEpoch = ""] = process.argv;
const SESSIONS_AN_EPOCH = 50;
const KEPT_EPOCHS = 3;

const store = await openStore({
  dir,
  durability: durability === "disk" ? "disk" : "process",
  clock: systemClock,
  eventLog: createEventLog(),
  metrics: createMetrics(),
});

let begun = 0;
async function appendForever(): Promise<void> {
  while (true) {
    const epoch = Number(firstEpoch) + Math.floor(begun / SESSIONS_AN_EPOCH);
    begun += 1;
    const session = aSession({ epoch });
    await store.sessions.append([session]);
    const fields = [session.tag, session.addressMac, session.record];
    const line = fields.map((field) => Buffer.from(field).toString("hex")).join(" ");
    writeSync(1, `${epoch} ${line}\n`);
  }
}

async function sweepForever(): Promise<void> {
  while (true) {
    for (const epoch of store.sessions.epochs().slice(0, -KEPT_EPOCHS)) {
      writeSync(1, `${epoch} swept\n`);
      await store.sessions.sweepEpoch(epoch);
    }
    await new Promise((resume) => setImmediate(resume));
  }
}

void sweepForever();
await Promise.all(Array.from({ length: 16 }, appendForever));
