/** A test file, as it is played with a bug planted: with these in its environment. It must fail then, and pass without. */
export interface Play {
  readonly test: string;
  readonly env?: Readonly<Partial<Record<'SEED' | 'ROUNDS' | 'FROM' | 'TO', string>>>;
}

/** A mistake that somebody could make, and the tests that must notice it. */
export interface PlantedBug {
  readonly name: string;
  /** What goes wrong, for whoever reads the table. */
  readonly what: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly text: string;
  readonly instead: string;
  /** Each of them. */
  readonly caughtBy: readonly Play[];
}

const environmentOf = ({ env = {} }: Play) => Object.entries(env).map(([key, value]) => `${key}=${value} `);

/** As one types it. */
export function playText(play: Play): string {
  return `${environmentOf(play).join('')}${play.test}`;
}

/** The source with the bug in it. Throws where the text is not there exactly once: then the list is out of date. */
export function withBug({ name, file, text, instead }: PlantedBug, source: string): string {
  const found = source.split(text).length - 1;
  if (found !== 1) throw new Error(`planted bug ${name}: its text stands ${found} times in ${file}, not once`);
  // A function: `$` in what is put there means nothing.
  return source.replace(text, () => instead);
}
