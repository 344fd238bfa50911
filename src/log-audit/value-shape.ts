// What is told of a value that was found: enough to see whether it is what it was taken for, too little to be it.

/** Those that all look alike; of the others only the length is told, for the shape of a password is half of it. */
const SHAPED: ReadonlySet<string> = new Set(["email", "phone", "ip", "card", "iban"]);
const MAX_SHAPE_CHARACTERS = 48;

/**
 * `xxx@xxxxxxx.xxx` or `12 characters`. SECURITY: letters and digits are the value; only what stands between them is shown, and of that only what
 * no terminal obeys.
 */
export function shapeOf(kind: string, value: string): string {
  const { length } = value;
  if (!SHAPED.has(kind)) return `${String(length)} character${length === 1 ? "" : "s"}`;
  const shape = value
    .slice(0, MAX_SHAPE_CHARACTERS)
    .replace(/\d/g, "9")
    .replace(/\p{L}/gu, "x")
    .replace(/[^9x.:@+%/ ()-]/gu, "?");
  return length > MAX_SHAPE_CHARACTERS ? `${shape}...` : shape;
}
