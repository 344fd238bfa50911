import type { Outcome } from "../operation.ts";

/** A change of what is held about a data subject, ready to be stored together with the event of whatever made it happen. */
export type PreparedChange = Pick<Outcome<unknown>, "changes" | "personal"> & {
  /** After the operation, when it has given its turns back: other parts may take them for it. */
  readonly finish?: (() => Promise<void>) | undefined;
};
