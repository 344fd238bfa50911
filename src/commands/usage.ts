// What each command takes, in the words that --help prints. A command that does not exist yet is not listed.

const COMMANDS = {
  serve: `logveil serve [--config F] [--upstream URL] [--listen H:P] [--vault-listen H:P] [--data-dir D]
    Runs the sidecar; what logveil does when no command is named.`,
  check: `logveil check [--config F]
    Validates a configuration: every problem at once, exit 78 when there is one.`,
  lookup: `logveil lookup TOKEN --reason "…" [--json] [--config F] [--data-dir D]
    Who is behind a session token. TOKEN is a UUID or an IPv6 address; - reads it from standard input.
    Exit 0 found, 1 not found, 69 unavailable, 77 denied.`,
  keys: `logveil keys status [--json] [--config F] [--data-dir D]
    Which keys exist, and until when.
  logveil keys rotate [--config F] [--data-dir D]
    Makes a new master key and wraps every other key under it; no record is touched.`,
  callers: `logveil callers add NAME --role dpo|support|auditor|app [--expires 30d] [--config F] [--data-dir D]
    Names a caller and prints its access token, this once. Without --expires it does not expire; 12h, 30d, 6m (months).
  logveil callers list [--json] [--config F] [--data-dir D]
    Who has a name, which role, and until when.
  logveil callers remove NAME [--config F] [--data-dir D]
    Ends a caller's access at once. Exit 1 when there is none of that name.`,
  audit: `logveil audit verify [--json] [--config F] [--data-dir D]
    Walks the audit trail from end to end. Exit 0 intact, with the number of events and how the chain ends: noted elsewhere, it
    shows later that nobody has put back an older trail. Exit 1 altered: names the first event that was altered or dropped.`,
} as const;

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Usage of one command, or of all. Ends with a line break. */
export function usageOf(command?: CommandName): string {
  const texts = command === undefined ? Object.values(COMMANDS) : [COMMANDS[command]];
  return `usage:\n${texts.map((text) => `  ${text}`).join("\n\n")}\n`;
}
