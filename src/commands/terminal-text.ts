/**
 * `text` with every control and format character written as `\u001b`. SECURITY: a user agent or a cookie is whatever a stranger
 * sent, and must not move the cursor or turn the direction of the line in the terminal of whoever looks it up. What is JSON stays
 * the same JSON.
 */
export function escapeForTerminal(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character, index)).join(""),
  );
}

function escapeUnit(character: string, index: number): string {
  return `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
}
