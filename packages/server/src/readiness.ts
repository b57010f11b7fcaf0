// Whether this process does what it is for. What it needs of others may be away when it starts; then it is not ready and says why.
// Once it was ready it stays so: that something is away later is said by answers and metrics, and one partition that nobody
// can read is no reason to send nobody here.

/** Undefined: nothing stands in the way. */
export type Problem = () => string | undefined;

export class Readiness {
  readonly #problems: Problem[] = [];
  #wasReady = false;

  add(problem: Problem): void {
    this.#problems.push(problem);
  }

  /** Why it is not ready yet, for people; undefined when it is. */
  get reason(): string | undefined {
    if (this.#wasReady) return undefined;
    const reasons = this.#problems.flatMap((problem) => problem() ?? []);
    if (reasons.length > 0) return reasons.join('; ');
    this.#wasReady = true;
    return undefined;
  }
}
