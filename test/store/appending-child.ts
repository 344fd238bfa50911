// Appends sessions to the store in the folder of its first argument until it is killed, and prints those that were acknowledged.

import { writeSync } from "node:fs";
import { systemClock } from "../../src/clock.ts";
import { createEventLog } from "../../src/event-log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openStore } from "../../src/store/store.ts";
import { aSession } from "./store-folder.ts";

const [, , dir = "", durability = ""] = process.argv;

const store = await openStore({
  dir,
  durability: durability === "disk" ? "disk" : "process",
  clock: systemClock,
  eventLog: createEventLog(),
  metrics: createMetrics(),
});

async function appendForever(): Promise<void> {
  while (true) {
    const session = aSession();
    await store.sessions.append([session]);
    const fields = [session.tag, session.addressMac, session.record];
    const line = fields.map((field) => Buffer.from(field).toString("hex")).join(" ");
    writeSync(1, `${line}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, appendForever));
