/** The turn (turns.ts) under which a session gets an owner, is shared, and is erased at its data subject's request. */
export function sessionTurn(session: string): string {
  return `session/${session}`;
}
