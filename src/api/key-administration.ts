import { forCaller } from "./route.ts";
import type { Access, Route } from "./route.ts";

export type KeysStatus = {
  /** Fingerprint of the master key, not the key. */
  readonly masterKeyId: string;
  readonly epochs: readonly EpochKeyStatus[];
  /** How many data subjects and stored sessions have a key of their own. */
  readonly subjectKeys: number;
};

export type EpochKeyStatus = {
  readonly epoch: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  /** When the key is destroyed, and with it every token of the epoch. */
  readonly expiresAtMs: number;
  readonly masterKeyId: string;
};

export type KeyAdministration = {
  readonly status: () => Promise<KeysStatus>;
  /** Makes a new master key, wraps everything under it; resolves to how many keys were wrapped. */
  readonly rotate: () => Promise<number>;
};

/** Served on the control socket only. */
export function createKeyRoutes(keys: KeyAdministration, access: Access): readonly Route[] {
  return [
    {
      method: "get",
      path: "/control/keys",
      handler: forCaller(access, "keys.status", async (_caller, _request, response) => {
        response.json({ status: "ok", keys: presentStatus(await keys.status()) });
      }),
    },
    {
      method: "post",
      path: "/control/keys/rotate",
      handler: forCaller(access, "keys.rotate", async (_caller, _request, response) => {
        response.json({ status: "ok", wrapped: await keys.rotate() });
      }),
    },
  ];
}

/** Member by member, so that a field which the keyring grows one day does not leave by itself. */
function presentStatus({ masterKeyId, epochs, subjectKeys }: KeysStatus): KeysStatus {
  const presented = epochs.map(({ epoch, startsAtMs, endsAtMs, expiresAtMs, masterKeyId }) => ({
    epoch,
    startsAtMs,
    endsAtMs,
    expiresAtMs,
    masterKeyId,
  }));
  return { masterKeyId, epochs: presented, subjectKeys };
}
