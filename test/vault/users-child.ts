// Creates, changes and erases users in the folder of its first argument until it is killed, and prints what was acknowledged: one JSON
// line `[what, user token, login, number of changes]` each.

import { writeSync } from "node:fs";
import { ROOT } from "../../src/callers/caller.ts";
import { openUserStore } from "./user-store.ts";

const [, , dir = "", name = ""] = process.argv;
const { users } = await openUserStore(dir);

function say(...line: readonly unknown[]): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

async function live(lane: number): Promise<void> {
  for (let index = 0; ; index += 1) {
    const login = `${name}-${lane}-${index}`;
    const token = await users.create(ROOT, () => Promise.resolve({ login, n: 0 }));
    say("created", token, login, 0);
    const named = { caller: ROOT, mode: "token", id: token };
    for (let n = 1; n <= 3; n += 1) {
      await users.change(named, () => Promise.resolve({ login: `${login}-${n}`, n }));
      say("changed", token, `${login}-${n}`, n);
    }
    if (index % 3 !== 0) continue;
    await users.erase(named);
    say("erased", token, "", 4);
  }
}

await Promise.all([1, 2, 3, 4].map(live));
