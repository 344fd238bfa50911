// What each command takes, in the words that --help prints. A command that does not exist yet is not listed.

const COMMANDS = {
  serve: `logveil serve [--config F] [--upstream URL] [--listen H:P] [--vault-listen H:P] [--data-dir D]
    Runs the sidecar; what logveil does when no command is named.`,
  check: `logveil check [--config F]
    Validates a configuration: every problem at once, exit 78 when there is one.`,
  tokenize: `logveil tokenize [IN] [--format auto|common|combined|json] [--output-format json|ecs|combined]
          [--output FILE [--append | --resume STATE]] [--config F] [--data-dir D]
    Writes the log of another server as logveil would have written it: IN, or standard input; gzip too. Lines that cannot be read are
    scrubbed as text, and marked. STATE remembers how far it came, for after a crash. Exit 65: IN is not whole, or not what it was.`,
  lookup: `logveil lookup TOKEN --reason "…" [--json] [--config F] [--data-dir D]
    Who is behind a session token. TOKEN is a UUID or an IPv6 address; - reads it from standard input.
  logveil lookup --sealed SEALED --reason "…" [--json] [--config F] [--data-dir D]
    Who is behind a log line with a sealed identity. - reads it, or the whole line, from standard input.
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
  "audit-logs": `logveil audit-logs [--json] [--summary] [--strict] [--ignore CIDR]… [--config F] [FILE…]
    What personal data is left in logs: file:line:columns, kind and shape of each, never the value; then which query keys and paths
    deserve a rule, and the configuration for it. Without FILE, or for -, standard input; gzip and zstd are read as they are.
    --summary: without the single findings. --strict: query values off accessLog.query.keep are findings, whatever they are.
    --ignore: a network whose addresses are nobody's. Exit 0 nothing found, 1 found, 2 a log could not be read.`,
} as const;

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Usage of one command, or of all. Ends with a line break. */
export function usageOf(command?: CommandName): string {
  const texts = command === undefined ? Object.values(COMMANDS) : [COMMANDS[command]];
  return `usage:\n${texts.map((text) => `  ${text}`).join("\n\n")}\n`;
}
