// Names of nodes, stores and topics: those that Kafka Streams gives, from one counter, so that a topology reads the same there and
// here. A name given by the user takes its number all the same: what comes after keeps its own.

const DIGITS = 10;

export class NodeNames {
  #next = 0;

  node(prefix: string): string {
    return `${prefix}${`${this.#next++}`.padStart(DIGITS, '0')}`;
  }

  store(prefix: string): string {
    return this.node(`${prefix}STATE-STORE-`);
  }

  given(name: string | undefined, prefix: string): string {
    const generated = this.node(prefix);
    return name ?? generated;
  }
}

export const REPARTITION_SUFFIX = '-repartition';

/** Whether a name is one of ours, with a number at its end. */
export function isGenerated(name: string): boolean {
  return /^K(STREAM|TABLE).*-\d{10}$/.test(name);
}
