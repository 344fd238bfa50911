// Every failure that a caller of a part can act on has one code, and the codes are API: tests, docs and operators rely on
// them. Messages are for people, come from this table, and never contain input.

const MEANINGS = {
  "access-log-unwritable": "the access log cannot be opened for writing",
  "access-denied": "the caller may not do this",
  "address-invalid": "not an IP address",
  "body-invalid": "the body could not be understood",
  "body-missing": "there is no body",
  "body-too-large": "the body is too large",
  "configuration-invalid": "the configuration has problems",
  "control-socket-silent": "no logveil answers on the control socket",
  "control-socket-unusable": "the control socket cannot be opened",
  "epoch-early": "the epoch has not begun",
  "epoch-expired": "the epoch's key has been destroyed",
  "expiration-invalid": "the expiration is negative or too large",
  "key-external":
    "the master key comes from the environment: restart with the new one and LOGVEIL_PREVIOUS_MASTER_KEY",
  "key-file-exposed": "the key file can be read by others; run chmod 600 on it",
  "key-file-unreadable": "the key file cannot be read",
  "key-invalid": "the key is not 32 bytes in hex or base64",
  "key-wrong": "the master key does not open this keyring",
  "keyring-corrupt": "the keyring is damaged",
  "keyring-missing": "the store exists and its keyring does not",
  "listen-failed": "an address to listen on is taken, or may not be used",
  "not-found": "not found",
  "open-failed": "the record could not be opened",
  "reason-invalid": "the reason is too long or has control characters",
  "session-invalid": "not a session token",
  "store-closed": "the store is closed",
  "store-corrupt": "the store is damaged",
  "store-locked": "another process has the store open",
  "store-missing": "the store has been created before and is gone",
  "store-unavailable": "the store cannot be written",
  "token-file-exposed": "the access token's file can be read by others; run chmod 600 on it",
  "token-file-unreadable": "the access token's file cannot be read",
  "token-invalid": "the access token is not a UUID",
} as const;

export type ErrorCode = keyof typeof MEANINGS;

/** All codes with their one-line meaning; docs/errors.md lists the same and a test compares them. */
export const ERROR_MEANINGS: Readonly<Record<ErrorCode, string>> = MEANINGS;

export const ERROR_CODES = Object.keys(MEANINGS) as readonly ErrorCode[]; // keys of a constant

/** The one error class of the project. `cause` is for the debugger and is never printed or sent. */
export class LogveilError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, options?: ErrorOptions) {
    super(MEANINGS[code], options);
    this.name = "LogveilError";
    this.code = code;
  }
}

/** Narrows an unknown failure to one code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof LogveilError && error.code === code;
}
