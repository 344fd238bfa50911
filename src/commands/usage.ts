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
} as const;

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Usage of one command, or of all. Ends with a line break. */
export function usageOf(command?: CommandName): string {
  const texts = command === undefined ? Object.values(COMMANDS) : [COMMANDS[command]];
  return `usage:\n${texts.map((text) => `  ${text}`).join("\n\n")}\n`;
}
