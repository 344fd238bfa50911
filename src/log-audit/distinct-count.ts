/** So many values are counted exactly; beyond, the count is an estimate, 9 % off on average. */
const KEPT_HASHES = 128;
const RANGE = 2 ** 32;

/**
 * How many different texts there were: the k smallest hashes tell (Bar-Yossef et al., Counting Distinct Elements in a Data Stream, 2002). Keeps 128
 * numbers and no text.
 */
export class DistinctCount {
  readonly #smallest: number[] = [];

  add(text: string): void {
    const hash = hashOf(text);
    const place = this.#placeOf(hash);
    if (place >= KEPT_HASHES || this.#smallest[place] === hash) return;
    this.#smallest.splice(place, 0, hash);
    if (this.#smallest.length > KEPT_HASHES) this.#smallest.pop();
  }

  value(): number {
    const last = this.#smallest.at(-1);
    if (last === undefined || this.#smallest.length < KEPT_HASHES) return this.#smallest.length;
    return Math.round(((KEPT_HASHES - 1) * RANGE) / (last + 1));
  }

  #placeOf(hash: number): number {
    let low = 0;
    let high = this.#smallest.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#smallest[middle] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** FNV-1a with the finalizer of MurmurHash3. For counting; who makes texts collide makes us count too few. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
