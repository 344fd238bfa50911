/** Runs one piece of work at a time, in the order in which they came. A failed one does not stop the next. */
export type Serial = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** The queue is as long as its callers are many: every caller waits for its own work. */
export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    // The failure belongs to whoever asked for the work; here it only must not break the chain.
    last = result.catch(() => undefined);
    return result;
  };
}
