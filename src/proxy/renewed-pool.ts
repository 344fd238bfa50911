import type { Dispatcher } from "undici";
import type { Clock } from "../clock.ts";

/**
 * How old connections to the upstream may get, ms. Busy ones never idle away, so without this an upstream that moved would be asked at
 * its old address for as long as something answers there: names are looked up on connecting.
 */
const RENEWED_EVERY_MS = 60_000;

/**
 * One pool of connections at a time, followed by a new one every minute; what runs on the old one finishes there. undici's `clientTtl` does
 * the same and asks for the time once for each busy connection, at every request.
 */
export class RenewedPool {
  readonly #open: () => Dispatcher;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #retiring = new Set<Dispatcher>();
  #pool: Dispatcher;
  #renewAt: number;

  constructor(open: () => Dispatcher, clock: Pick<Clock, "monotonic">) {
    this.#open = open;
    this.#clock = clock;
    this.#pool = open();
    this.#renewAt = clock.monotonic() + RENEWED_EVERY_MS;
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.#clock.monotonic() >= this.#renewAt) this.#renew();
    return this.#pool.dispatch(request, handler);
  }

  /** Breaks off what still runs. */
  async close(): Promise<void> {
    await Promise.all([this.#pool, ...this.#retiring].map((pool) => pool.destroy()));
  }

  #renew(): void {
    const old = this.#pool;
    this.#pool = this.#open();
    this.#renewAt = this.#clock.monotonic() + RENEWED_EVERY_MS;
    this.#retiring.add(old);
    const forget = () => void this.#retiring.delete(old);
    // Rejects when it is destroyed meanwhile.
    old.close().then(forget, forget);
  }
}
