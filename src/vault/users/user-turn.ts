/** The turn (turns.ts) under which a user record changes, and everything that must not change meanwhile. */
export function userTurn(token: string): string {
  return `user/${token}`;
}
