import type { Keyring } from "../../keys/keyring.ts";
import type { SubjectKeys } from "../../keys/subject-keys.ts";
import type { Store } from "../../store/store.ts";
import { findSessionToken } from "../../token/session-token.ts";

const PROXIED = "proxied:";

/** The name under which the key of a session that the proxy made is doomed (doomed-keys.ts). */
export function proxiedKeyName(session: string): string {
  return PROXIED + session;
}

/** Destroys a key by its name, be it a data subject's, a stored session's or a proxied session's, which are kept apart. */
export function createKeyDestruction(
  keyring: Pick<Keyring, "subjects" | "sessionTrees">,
  store: Pick<Store, "sessions">,
): Pick<SubjectKeys, "destroy"> {
  return {
    destroy: async (name) => {
      const token = name.startsWith(PROXIED)
        ? findSessionToken(name.slice(PROXIED.length))
        : undefined;
      if (token === undefined) return keyring.subjects.destroy(name);
      await keyring.sessionTrees.erase(token.epoch, token.tag);
      // What the session's next request has stored meanwhile was still under the key that is gone now.
      await store.sessions.remove(token.epoch, token.tag);
      return true;
    },
  };
}
