/** What legal bases and processing activities are called by. */
const BRIEF = /^[a-z][a-z0-9-]{1,64}$/;

/** The one spelling of a brief or of an activity's name, in lower case; undefined for what is none. */
export function findBrief(text: string): string | undefined {
  const brief = text.toLowerCase();
  return BRIEF.test(brief) ? brief : undefined;
}

/** An audit title: nothing of what was sent gets in, unless it is a brief. */
export function titleFor(title: string, text: string): string {
  const brief = findBrief(text);
  return brief === undefined ? title : `${title} for ${brief}`;
}
