// Where a schema registry for a test comes from; pure, as kafka/source.ts is:
//
//   wanted: a registry                             wanted: one to kill, or on a port or with brokers of its own
//     SCHEMA_REGISTRY_URL is set ──> that one        jar in the cache ──────> started here
//     Docker answers ──────────────> a container     else ──────────────────> an error
//     jar in the cache ────────────> started here
//     else ────────────────────────> an error that says how to get one

export interface RegistrySurroundings {
  /** SCHEMA_REGISTRY_URL as it is. */
  readonly urlVariable: string | undefined;
  readonly dockerAnswers: boolean;
  /** The jar that runs it, if it was fetched. */
  readonly jar: string | undefined;
  /** Whether there is a Java to run it. */
  readonly java: boolean;
}

export type RegistrySource =
  | { readonly kind: 'given'; readonly url: string }
  | { readonly kind: 'container' }
  | { readonly kind: 'jar'; readonly jar: string };

const HOW = '`node scripts/setup.mjs --test` fetches it with Maven, and it runs on Java 17';

/** `own`: the test does things to it that only one who started it can do. Throws when there is none to be had. */
export function chooseRegistry(own: boolean, surroundings: RegistrySurroundings): RegistrySource {
  const { urlVariable, dockerAnswers, jar, java } = surroundings;
  if (!own) {
    if (urlVariable) return { kind: 'given', url: urlVariable };
    if (dockerAnswers) return { kind: 'container' };
  }
  const or = own ? '' : ', or set SCHEMA_REGISTRY_URL';
  if (jar === undefined) throw new Error(`the schema registry is not in the cache: ${HOW}${or}`);
  if (!java) throw new Error(`there is no java on PATH to run the schema registry: ${HOW}${or}`);
  return { kind: 'jar', jar };
}
