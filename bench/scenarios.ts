// What every server is put through. A row here is checked, timed and reported without another word elsewhere.

import type { Part } from "./bench-options.ts";
import type { Load } from "./load-generator.ts";

export type Scenario = {
  readonly name: string;
  readonly part: Part;
  readonly kind: Extract<Load["kind"], "visit" | "new-identity">;
  readonly path: string;
  /** Of the request's body; 0 is a GET. */
  readonly bodyBytes: number;
  /** Undefined when only the status counts. */
  readonly answerBytes: number | undefined;
  readonly connections: number;
};

const KIB = 1024;
const MIB = 1024 * KIB;

const USUAL = {
  kind: "visit",
  path: "/",
  bodyBytes: 0,
  answerBytes: 100,
  connections: 64,
} as const;

/** What the goals of SPEC section 9 are about. */
export const DEFAULT: Scenario = {
  ...USUAL,
  name: "100-byte answers, 64 connections",
  part: "proxy",
};

export const NEW_IDENTITIES: Scenario = {
  ...USUAL,
  name: "a new identity in every request",
  part: "sessions",
  kind: "new-identity",
};

/**
 * Large bodies go over few connections: wrk leaves with one request unfinished on each, whose CPU time would be divided among too
 * few finished ones.
 */
export const OTHERS: readonly Scenario[] = [
  download("1 KiB answers, 64 connections", KIB, 64),
  download("64 KiB answers, 64 connections", 64 * KIB, 64),
  download("10 MiB answers, 4 connections", 10 * MIB, 4),
  upload("1 KiB uploads, 64 connections", KIB, 64),
  upload("10 MiB uploads, 4 connections", 10 * MIB, 4),
  { ...USUAL, name: "100-byte answers, 1,000 connections", part: "connections", connections: 1000 },
];

/** Sizes of the answers under /bytes/ that the upstream must have. */
export const ANSWER_SIZES: readonly number[] = [KIB, 64 * KIB, 10 * MIB];

function download(name: string, answerBytes: number, connections: number): Scenario {
  const path = `/bytes/${answerBytes}`;
  return { ...USUAL, name, part: "bodies", path, answerBytes, connections };
}

function upload(name: string, bodyBytes: number, connections: number): Scenario {
  const path = "/upload";
  return { ...USUAL, name, part: "uploads", path, bodyBytes, answerBytes: undefined, connections };
}
