// Names of objects that somebody is busy with. An object that is put and not yet in a manifest is nobody's, and so is one that a
// crash left behind; putting the same content again finds the old one. Whoever puts has the name claimed until the manifest names
// it, whoever removes what is nobody's takes a free claim or leaves it alone.

export class ObjectClaims {
  readonly #taken = new Map<string, Promise<void>>();

  /** Claims that are let go together. */
  begin(): ObjectClaim {
    return new ObjectClaim(this.#taken);
  }

  has(name: string): boolean {
    return this.#taken.has(name);
  }
}

export class ObjectClaim implements Disposable {
  readonly #taken: Map<string, Promise<void>>;
  readonly #own = new Map<string, () => void>();

  constructor(taken: Map<string, Promise<void>>) {
    this.#taken = taken;
  }

  /** Waits until the name is free. Own names are free. */
  async take(name: string): Promise<void> {
    while (!this.tryTake(name)) await this.#taken.get(name);
  }

  /** False: somebody else has it. */
  tryTake(name: string): boolean {
    if (this.#own.has(name)) return true;
    if (this.#taken.has(name)) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#taken.set(name, promise);
    this.#own.set(name, resolve);
    return true;
  }

  [Symbol.dispose](): void {
    for (const [name, release] of this.#own) {
      this.#taken.delete(name);
      release();
    }
    this.#own.clear();
  }
}
