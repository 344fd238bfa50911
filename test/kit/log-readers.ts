// GoAccess and fail2ban as people have them from their distribution: what they make of a log. Undefined, said out loud, where they are not
// installed.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** One panel: hits and visitors by what the panel is about. */
type Panel = Readonly<Record<string, { readonly hits: number; readonly visitors: number }>>;

export type GoAccessReport = {
  readonly lines: number;
  readonly rejected: number;
  readonly visitors: number;
  readonly statusCodes: Panel;
  readonly browsers: Panel;
  readonly systems: Panel;
};

type Row = {
  readonly data: string;
  readonly hits: { readonly count: number };
  readonly visitors: { readonly count: number };
  readonly items?: readonly Row[];
};

type Report = {
  readonly general: Readonly<Record<string, number>>;
} & Readonly<Record<"status_codes" | "browsers" | "os", { readonly data?: readonly Row[] }>>;

export function isInstalled(command: "goaccess" | "fail2ban-regex"): boolean {
  const isThere = existsSync(`/usr/bin/${command}`);
  if (!isThere) process.stderr.write(`skipped: ${command} is not installed\n`);
  return isThere;
}

/** Reads a log of Apache's combined format. Writes its report beside it. */
export async function readWithGoAccess(log: string): Promise<GoAccessReport> {
  const report = `${log}.report.json`;
  const options = ["--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", report];
  execFileSync("goaccess", [log, ...options], {
    stdio: "pipe",
    env: { ...process.env, TZ: "UTC" },
  });
  const { general, status_codes, browsers, os } = JSON.parse(
    await readFile(report, "utf8"),
  ) as Report;
  return {
    lines: general["total_requests"] ?? 0,
    rejected: general["failed_requests"] ?? 0,
    visitors: general["unique_visitors"] ?? 0,
    // By single code, the panel's second level.
    statusCodes: panelOf((status_codes.data ?? []).flatMap(({ items = [] }) => items)),
    browsers: panelOf(browsers.data ?? []),
    systems: panelOf(os.data ?? []),
  };
}

function panelOf(rows: readonly Row[]): Panel {
  return Object.fromEntries(
    rows.map(({ data, hits, visitors }) => [data, { hits: hits.count, visitors: visitors.count }]),
  );
}

export type Fail2banReport = { readonly matched: number; readonly missed: number };

/** How many lines `failregex` matched, and how many have a time or an address that could not be read. */
export function readWithFail2ban(log: string, failregex: string): Fail2banReport {
  const text = execFileSync("fail2ban-regex", ["--usedns", "no", log, failregex], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const found = /Lines: \d+ lines?, (\d+) ignored, (\d+) matched, (\d+) missed/.exec(text);
  if (found === null) throw new Error("fail2ban-regex said nothing of its lines");
  return { matched: Number(found[2]), missed: Number(found[3]) };
}
