// Which query keys and path shapes a log has, in tables of fixed size: what is personal in them and no detector can see is for a person to say.

import { meaningOf } from "../scrub/parameter-name.ts";
import { decodeWhatCanBe } from "../scrub/reading.ts";
import { DistinctCount } from "./distinct-count.ts";
import { Frequent } from "./frequent.ts";
import type { LoggedTarget } from "./leftover-finder.ts";
import { shapeOfPath } from "./path-shape.ts";

export type RankedKey = {
  /** As it stands in the query, when it is made of letters, digits and `.-_[]`; keys that are not are counted as one, `(other)`. */
  readonly key: string;
  readonly lines: number;
  /** Different values, or pseudonyms of them; above 128 an estimate. */
  readonly values: number;
  /** Lines in which something was found in the value. */
  readonly withFindings: number;
  readonly meaning: "secret" | "personal" | "address" | "code" | "none";
  /** Whether all values were short words or numbers, or pseudonyms of which nothing is known. */
  readonly isPlain: boolean;
};

export type RankedShape = {
  readonly shape: string;
  readonly lines: number;
  readonly values: number;
  readonly isPersonal: boolean;
};

type KeyTally = { count: number; values: DistinctCount; withFindings: number; isPlain: boolean };
type ShapeTally = { count: number; values: DistinctCount; isPersonal: boolean };

const MAX_NAMES = 1000;
const MAX_PARAMETERS = 50;
// SECURITY: keys are shown; what is spelt otherwise may be anything.
const KEY = /^[A-Za-z_][\w.[\]-]{0,47}$/;
export const OTHER_KEYS = "(other)";
const PLAIN_VALUE = /^(?:[A-Za-z]{0,16}|-?\d{1,5}|[a-z]{2}[-_][A-Za-z]{2}|~value\.[a-z2-7]{8})$/;

export class LogRanking {
  readonly #keys = new Frequent<KeyTally>(MAX_NAMES, () => {
    return { count: 0, values: new DistinctCount(), withFindings: 0, isPlain: true };
  });
  readonly #shapes = new Frequent<ShapeTally>(MAX_NAMES, () => {
    return { count: 0, values: new DistinctCount(), isPersonal: false };
  });

  add({ text, findings }: LoggedTarget): void {
    const mark = text.indexOf("?");
    const path = mark === -1 ? text : text.slice(0, mark);
    if (path.startsWith("/")) this.#addPath({ text: path, findings });
    if (mark !== -1) this.#addQuery(text, mark + 1, findings);
  }

  keys(): readonly RankedKey[] {
    return this.#keys.ranked().map(({ name, tally, missed }) => ({
      key: name,
      lines: tally.count - missed,
      values: tally.values.value(),
      withFindings: tally.withFindings,
      meaning: meaningOf(name) ?? "none",
      isPlain: tally.isPlain,
    }));
  }

  shapes(): readonly RankedShape[] {
    return this.#shapes.ranked().map(({ name, tally, missed }) => ({
      shape: name,
      lines: tally.count - missed,
      values: tally.values.value(),
      isPersonal: tally.isPersonal,
    }));
  }

  #addPath({ text, findings }: LoggedTarget): void {
    const found = shapeOfPath(text, findings);
    if (found === undefined) return;
    const tally = this.#shapes.count(found.shape);
    tally.values.add(found.values);
    tally.isPersonal ||= found.isPersonal;
  }

  #addQuery(text: string, from: number, findings: LoggedTarget["findings"]): void {
    let start = from;
    for (let count = 0; start < text.length && count < MAX_PARAMETERS; count++) {
      const ampersand = text.indexOf("&", start);
      const end = ampersand === -1 ? text.length : ampersand;
      const equals = text.indexOf("=", start);
      if (equals !== -1 && equals < end) {
        const isFound = findings.some((one) => one.start < end && one.end > start);
        this.#addParameter(text.slice(start, equals), text.slice(equals + 1, end), isFound);
      }
      start = end + 1;
    }
  }

  #addParameter(key: string, value: string, isFound: boolean): void {
    const name = KEY.test(key) ? key : decodeWhatCanBe(key);
    const tally = this.#keys.count(KEY.test(name) && name.length < 48 ? name : OTHER_KEYS);
    tally.values.add(value);
    if (isFound || /^~(?!value\.)/.test(value)) tally.withFindings++;
    tally.isPlain &&= PLAIN_VALUE.test(value);
  }
}
