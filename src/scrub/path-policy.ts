// Paths: the parts of the operator's templates are replaced, path parameters lose their values, the rest goes to the detectors.

import { type Scrubbing, replaceAs, replaceComponent, scrubComponent } from "./component.ts";
import type { PathTemplates } from "./path-template.ts";
import { isPlain } from "./plain-text.ts";

// What routers take; no honest path is longer.
const MAX_PATH_CHARACTERS = 4096;

/** The scrubbed path. What is beyond 4 KiB, from the segment on in which that is, is replaced by one `~rest` pseudonym. */
export function scrubPath(path: string, templates: PathTemplates, scrubbing: Scrubbing): string {
  if (path.length <= MAX_PATH_CHARACTERS) return scrubSegments(path, templates, scrubbing);
  const cut = Math.max(path.lastIndexOf("/", MAX_PATH_CHARACTERS), 0);
  const rest = `/${scrubbing.pseudonymise("rest", path.slice(cut))}`;
  return scrubSegments(path.slice(0, cut), templates, scrubbing) + rest;
}

/** True for most paths: nothing can be found in them and no template can match. Costs some 50 ns. */
export function isOrdinaryPath(path: string, templates: PathTemplates): boolean {
  return (
    path.length <= MAX_PATH_CHARACTERS && isPlain(path, "separates") && !templates.mayMatch(path)
  );
}

function scrubSegments(path: string, templates: PathTemplates, scrubbing: Scrubbing): string {
  const segments = path.split("/");
  const kinds = templates.mayMatch(path) ? templates.match(segments) : [];
  return segments.map((segment, index) => scrubSegment(segment, kinds[index], scrubbing)).join("/");
}

function scrubSegment(segment: string, kind: string | undefined, scrubbing: Scrubbing): string {
  const [name = "", ...parameters] = segment.split(";");
  const scrubbed =
    kind === undefined ? scrubComponent(name, scrubbing) : replaceAs(name, kind, scrubbing);
  if (parameters.length === 0) return scrubbed;
  return [scrubbed, ...parameters.map((each) => scrubParameter(each, scrubbing))].join(";");
}

/** `jsessionid=…` and its like (RFC 3986 section 3.3). */
function scrubParameter(parameter: string, scrubbing: Scrubbing): string {
  const equals = parameter.indexOf("=");
  if (equals === -1) return scrubComponent(parameter, scrubbing);
  const name = scrubComponent(parameter.slice(0, equals), scrubbing);
  return `${name}=${replaceComponent(parameter.slice(equals + 1), "value", scrubbing)}`;
}
