// Where a Kafka for a test comes from. The decision is a pure function, so that it can be tested where no Docker runs:
//
//   wanted: a broker                               wanted: one to kill, pause, configure or have three of
//     KAFKA_BROKERS is set ────────> that one        jars in the cache ─────> started here
//     Docker answers ──────────────> a container     else ──────────────────> an error
//     jars in the cache ───────────> started here
//     else ────────────────────────> an error that says how to get one: a test that needs it must not pass

export interface KafkaSurroundings {
  /** KAFKA_BROKERS as it is. */
  readonly brokersVariable: string | undefined;
  readonly dockerAnswers: boolean;
  /** Folder of the jars, if they were fetched. */
  readonly jars: string | undefined;
  /** Whether there is a Java to run them. */
  readonly java: boolean;
}

export type KafkaSource =
  | { readonly kind: 'given'; readonly bootstrap: readonly string[] }
  | { readonly kind: 'container' }
  | { readonly kind: 'jars'; readonly folder: string };

const HOW = '`node scripts/setup.mjs --test` fetches it with Maven, and it runs on Java 17';

/** `own`: the test does things to the brokers that only one who started them can do. Throws when there is none to be had. */
export function chooseKafka(own: boolean, surroundings: KafkaSurroundings): KafkaSource {
  const { brokersVariable, dockerAnswers, jars, java } = surroundings;
  if (!own) {
    const bootstrap = addresses(brokersVariable);
    if (bootstrap.length > 0) return { kind: 'given', bootstrap };
    if (dockerAnswers) return { kind: 'container' };
  }
  if (jars === undefined) throw new Error(`Kafka is not in the cache: ${HOW}${own ? '' : ', or set KAFKA_BROKERS'}`);
  if (!java) throw new Error(`there is no java on PATH to run Kafka: ${HOW}${own ? '' : ', or set KAFKA_BROKERS'}`);
  return { kind: 'jars', folder: jars };
}

function addresses(variable: string | undefined): string[] {
  const listed = (variable ?? '').split(',').map((each) => each.trim());
  const bootstrap = listed.filter((each) => each !== '');
  for (const each of bootstrap) {
    if (/^[^\s:]+:\d+$|^\[[^\]]+\]:\d+$/.test(each)) continue;
    throw new Error(`KAFKA_BROKERS is host:port, several joined by commas, not ${JSON.stringify(variable)}`);
  }
  return bootstrap;
}
