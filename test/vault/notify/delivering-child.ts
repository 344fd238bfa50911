// Puts three messages into the outbox in the folder of its first argument and delivers them to the URL of its second, until it is
// killed.

import { join } from "node:path";
import { createHandClock } from "../../kit/hand-clock.ts";
import { openOutboxIn } from "./opened-outbox.ts";

const [, , path = "", url = ""] = process.argv;
const folder = {
  path,
  file: (...names: readonly string[]) => join(path, ...names),
  remove: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

const { post, notifier } = await openOutboxIn(folder, createHandClock(), {
  webhook: { url, secret: "a long random text" },
});
for (const name of ["one", "two", "three"]) {
  await post({ action: "consentchange", identity: name, mode: "login" });
}
await notifier.deliver();
