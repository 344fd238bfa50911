import { randomUuid } from "../keys/secure-random.ts";

export type RequestIds = {
  /** Unique across processes, 20 to 32 characters. Carries nothing about the client; not a secret. */
  readonly next: () => string;
  /** Whether an id was made by this very process: a request that carries one has come back to us. */
  readonly isOwn: (id: string) => boolean;
};

/** A random start and a counter: no randomness has to be drawn for each request. */
export function createRequestIds(): RequestIds {
  const prefix = `${randomUuid().replaceAll("-", "").slice(0, 16)}-`;
  let counter = 0;
  return {
    next: () => {
      counter += 1;
      return prefix + counter.toString(36).padStart(6, "0");
    },
    isOwn: (id) => id.startsWith(prefix),
  };
}
