import type { Change } from "../../store/documents.ts";
import { Concealed } from "../concealed.ts";

/** How much of one kind was erased. */
export type ErasedHolding = {
  readonly count: number;
  /** What removes it; committed by whoever asked, together with the note that this kind is done. */
  readonly changes?: readonly Change[];
};

/**
 * One kind of thing that is held about a data subject. Each part of the vault that keeps something about people provides one, and
 * the export and the erasure of a person are the walk over all of them. `subject` is a user token, or the id of a session whose
 * person never logged in; a part is listed for the one or the other or for both.
 */
export type HoldingPart = {
  /** One lower-case word, the name of a member of the export and of the receipt: `apps`, `sessions`. */
  readonly kind: string;
  /** All of it, opened, as JSON can hold it, concealed or not; undefined when there is none. */
  readonly exportOf: (subject: string) => Promise<unknown>;
  /**
   * Destroys keys that the part has of its own, and names the rows to remove. The data subject's own key is gone already when this
   * is called, so it must not need to open anything. May be called again after a crash; then it counts what is left.
   */
  readonly eraseOf: (subject: string) => Promise<ErasedHolding>;
};

/** Everything that is held about `subject`: a member for each kind of which there is any. */
export async function exportHoldings(
  parts: readonly HoldingPart[],
  subject: string,
): Promise<Concealed<Readonly<Record<string, unknown>>>> {
  const members: Concealed<readonly [kind: string, held: unknown]>[] = [];
  for (const { kind, exportOf } of parts) {
    const held = await exportOf(subject);
    const concealed = held instanceof Concealed ? held : new Concealed<unknown>(held);
    members.push(concealed.map((value: unknown) => [kind, value] as const));
  }
  return Concealed.all(members).map((all) =>
    Object.fromEntries(all.filter(([, value]) => value !== undefined)),
  );
}
