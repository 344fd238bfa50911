// Every failure that a caller of a part can act on has one code, and the codes are API: tests, docs and operators rely on
// them. Messages are for people, come from this table, and never contain input.

const MEANINGS = {
  "access-log-unwritable": "the access log cannot be opened for writing",
  "access-denied": "the caller may not do this",
  "activity-invalid": "not the name of a processing activity",
  "activity-unknown": "there is no processing activity of that name",
  "address-invalid": "not an IP address",
  "app-missing": "the user has no app of that name",
  "app-name-invalid": "not the name of an app",
  "app-patch-failed": "the JSON Patch cannot be applied to the app's record",
  "apps-full": "the user has as many apps as there may be",
  "audit-corrupt": "the audit trail is damaged",
  "audit-unavailable": "the audit trail cannot be written, so nothing was done",
  "backup-elsewhere": "a backup is not made through the API",
  "basis-exists": "there is a legal basis of that brief",
  "basis-missing": "there is no legal basis of that brief to withdraw from",
  "basis-unknown": "there is no legal basis of that brief",
  "body-invalid": "the body could not be understood",
  "body-missing": "there is no body",
  "body-too-large": "the body is too large",
  "brief-incorrect": "not the brief of a legal basis, where somebody agrees",
  "brief-invalid": "not the brief of a legal basis",
  "caller-exists": "there is a caller of that name",
  "caller-invalid": "the caller's name or role is not one that can be given",
  "callers-full": "there are as many callers as there may be",
  "captcha-busy": "too many captchas are being drawn",
  "captcha-invalid": "the captcha is unknown, used, expired or answered wrongly",
  "certificate-invalid":
    "a certificate or its key is not PEM, has a passphrase, or they do not belong together",
  "certificate-unreadable": "a certificate or its key cannot be read",
  "code-invalid": "the one-time code is wrong, used or expired",
  "configuration-invalid": "the configuration has problems",
  "control-socket-silent": "no logveil answers on the control socket",
  "control-socket-unusable": "the control socket cannot be opened",
  "duplicate-custom": "another user has that custom identity",
  "duplicate-email": "another user has that e-mail address",
  "duplicate-login": "another user has that login",
  "duplicate-on-change": "another user has the identity that the change gives",
  "duplicate-phone": "another user has that phone number",
  "epoch-early": "the epoch has not begun",
  "epoch-expired": "the epoch's key has been destroyed",
  "expiration-invalid": "the expiration is negative or too large",
  "exptoken-unknown": "no user's expiration has that token",
  "field-too-long": "a member of the body is too long",
  "fields-invalid": "the fields are not a list of at most 100 paths",
  "filter-invalid": "the filter's time or status is none",
  "ingestion-key-exposed": "the ingestion key's file can be read by others; run chmod 600 on it",
  "ingestion-key-unreadable": "the ingestion key's file cannot be read, or holds no key",
  "input-damaged": "the input is not whole: gzip that is cut off or broken",
  "input-unreadable": "the input cannot be read",
  "key-external":
    "the master key comes from the environment: restart with the new one and LOGVEIL_PREVIOUS_MASTER_KEY",
  "key-file-exposed": "the key file can be read by others; run chmod 600 on it",
  "key-file-unreadable": "the key file cannot be read",
  "key-invalid": "the key is not 32 bytes in hex or base64",
  "key-wrong": "the master key does not open this keyring",
  "keyring-corrupt": "the keyring is damaged",
  "keyring-missing": "the store exists and its keyring does not",
  "limit-reached": "there are as many of them as there may be",
  "list-disabled": "users are not listed unless vault.dialect.listUsers is set",
  "listen-failed": "an address to listen on is taken, or may not be used",
  "lookup-fields-missing": "the user has none of login, email, phone and custom",
  "mode-invalid": "not a way to name a data subject",
  "not-found": "not found",
  "notify-unconfigured": "there is no way to send a log-in code",
  "output-exists": "the output exists already: resume with its state, or append to it",
  "output-unwritable": "the output cannot be written",
  "open-failed": "the record could not be opened",
  "patch-failed": "the JSON Patch cannot be applied to the user record",
  "reason-invalid": "the reason is too long or has control characters",
  "reason-missing": "a reason is required",
  "record-restricted": "the record is restricted: it is neither used nor changed",
  "record-too-large": "the record would become too large",
  "request-approved": "the request has been approved already",
  "request-canceled": "the request has been canceled already",
  "sealed-invalid": "not a sealed identity",
  "resume-mismatch": "the state does not belong to this input, output or format",
  "rotation-differs": "the logveil that runs has another session.rotate than this configuration",
  "search-invalid": "what is searched for is not an address, or the time is none",
  "search-too-wide": "the search would go through too many epochs",
  "session-invalid": "not a session token",
  "shared-app-missing": "the user has no app of that name to share",
  "shared-app-unknown": "what is to be shared is not the name of an app",
  "status-invalid": "not a status",
  stopped: "asked to stop before the end",
  "store-closed": "the store is closed",
  "store-corrupt": "the store is damaged",
  "store-locked": "another process has the store open",
  "store-missing": "the store has been created before and is gone",
  "store-unavailable": "the store cannot be written",
  "token-file-exposed": "the access token's file can be read by others; run chmod 600 on it",
  "token-file-unreadable": "the access token's file cannot be read",
  "token-invalid": "the access token is not a UUID",
  "too-many-requests": "too much was asked for without an access token",
  "user-body-missing": "there is no user record in the body",
  "user-erased": "the user has been erased",
  "user-missing": "there is no user record any more",
  "user-schema-invalid": "the schema of user records is not a JSON schema of draft 2019-09",
  "user-schema-unreadable": "the schema of user records cannot be read",
  "user-schema-violated": "the user record is not as the schema wants it",
  "user-schema-violated-on-change": "the changed user record is not as the schema wants it",
  "uses-invalid": "the number of uses is not a whole number from 1 on",
  "uuid-invalid": "not a UUID",
} as const;

export type ErrorCode = keyof typeof MEANINGS;

/** All codes with their one-line meaning; docs/errors.md lists the same and a test compares them. */
export const ERROR_MEANINGS: Readonly<Record<ErrorCode, string>> = MEANINGS;

export const ERROR_CODES = Object.keys(MEANINGS) as readonly ErrorCode[]; // keys of a constant

/** The one error class of the project. `cause` is for the debugger and is never printed or sent. */
export class LogveilError extends Error {
  readonly code: ErrorCode;
  /** More about it, for whoever asked. SECURITY: words of ours or of the operator's own files; never input. */
  readonly detail: string | undefined;

  constructor(code: ErrorCode, options?: ErrorOptions & { readonly detail?: string | undefined }) {
    super(MEANINGS[code], options);
    this.name = "LogveilError";
    this.code = code;
    this.detail = options?.detail;
  }
}

/** Narrows an unknown failure to one code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof LogveilError && error.code === code;
}
