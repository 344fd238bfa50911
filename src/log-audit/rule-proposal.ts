// The configuration that a log speaks for. A proposal: whether a word is somebody's name, only people can tell.

import { OTHER_KEYS, type RankedKey, type RankedShape } from "./log-ranking.ts";

/** What `accessLog.query.keep` and `accessLog.paths` say now. */
export type CurrentRules = {
  readonly keep: readonly string[];
  readonly paths: readonly string[];
};

export type RuleProposal = {
  /** Keys to be added to the keep list: few values, short words or numbers, nothing found. */
  readonly keep: readonly RankedKey[];
  /** Keys to be taken off it, for something was found in their values. */
  readonly drop: readonly RankedKey[];
  /** Path templates to be added. */
  readonly paths: readonly RankedShape[];
};

// Fewer lines say nothing.
const MIN_LINES = 10;
// A key with more values says more than how a page is to be shown.
const MAX_KEPT_VALUES = 50;
const MIN_PATH_VALUES = 2;
const MAX_PROPOSED = 50;

export function proposeRules(
  keys: readonly RankedKey[],
  shapes: readonly RankedShape[],
  current: CurrentRules,
): RuleProposal {
  const kept = new Set(current.keep);
  const covered = new Set(current.paths.map(namelessOf));
  return {
    keep: keys.filter((key) => !kept.has(key.key) && isHarmless(key)).slice(0, MAX_PROPOSED),
    drop: keys.filter((key) => kept.has(key.key) && key.withFindings > 0),
    paths: shapes
      .filter(
        ({ shape, isPersonal, values }) =>
          isPersonal && values >= MIN_PATH_VALUES && !covered.has(namelessOf(shape)),
      )
      .slice(0, MAX_PROPOSED),
  };
}

function isHarmless({ key, lines, values, withFindings, meaning, isPlain }: RankedKey): boolean {
  const isUnsuspicious = withFindings === 0 && meaning === "none" && key !== OTHER_KEYS;
  return isUnsuspicious && isPlain && lines >= MIN_LINES && values <= MAX_KEPT_VALUES;
}

/** How a part of a template is called makes no other template of it. */
function namelessOf(template: string): string {
  return template.toLowerCase().replace(/:[^/]*/g, ":");
}

/** The proposal as a piece of config.yaml, with the whole lists; undefined when there is nothing to change. */
export function formatProposal(
  { keep, drop, paths }: RuleProposal,
  current: CurrentRules,
): string | undefined {
  const lines: string[] = [];
  if (keep.length + drop.length > 0) {
    const off = new Set(drop.map(({ key }) => key));
    const names = [...current.keep.filter((key) => !off.has(key)), ...keep.map(({ key }) => key)];
    lines.push("  query:", `    keep: [${names.map(scalar).join(", ")}]`);
  }
  if (paths.length > 0) {
    lines.push("  paths:");
    for (const path of current.paths) lines.push(`    - ${scalar(path)}`);
    for (const { shape, lines: count, values } of paths)
      lines.push(`    - ${scalar(shape)} # ${String(count)} lines, ${String(values)} values`);
  }
  return lines.length === 0 ? undefined : ["accessLog:", ...lines, ""].join("\n");
}

/** JSON's strings are YAML's (YAML 1.2.2 section 1.3); words that YAML reads as something else are quoted with the rest. */
function scalar(text: string): string {
  const isWord =
    /^\/?[a-z][\w/:-]*$/i.test(text) &&
    !/:(?:$|\s)|^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isWord ? text : JSON.stringify(text);
}
