/** What commands answer to the shell: 0 and 1 as grep has them, the others from sysexits.h. */
export const EXIT = {
  ok: 0,
  /** The token means nothing, or no longer. */
  notFound: 1,
  /** The audit trail is not as it was written. */
  broken: 1,
  /** Logs hold what they should not. */
  found: 1,
  usage: 2,
  /** A log could not be read to its end. */
  unreadable: 2,
  /** The input is not whole, or not what it was. */
  badInput: 65,
  /** No store, no control socket, or the store is out of order. */
  unavailable: 69,
  /** logveil itself failed. */
  software: 70,
  /** The control socket or the store belongs to somebody else. */
  denied: 77,
  configuration: 78,
  /** Asked to stop before it was done; what a shell says of SIGINT. */
  stopped: 130,
  /** Whoever read standard output has gone; what a shell says of SIGPIPE. */
  unread: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
