import type { ProcessorContext } from '../processor/context.ts';
import type { Processor } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';

// The steps that keep nothing: each a processor in one line, made by `stateless` of what it does with a record.

export type KeyValue<K, V> = readonly [key: K, value: V];
export type Predicate<K, V> = (key: K, value: V) => boolean;

type Forward = (record: StreamRecord<unknown, unknown>, child?: string) => void;
type Step = (record: StreamRecord<never, never>, forward: Forward) => void;
export type Supplier = () => Processor<unknown, unknown, unknown, unknown>;

function stateless<K, V>(step: (record: StreamRecord<K, V>, forward: Forward) => void): Supplier {
  return () => {
    let forward: Forward = () => undefined;
    return {
      init(context: ProcessorContext) {
        forward = (record, child) => context.forward(record, child);
      },
      // What the user's functions take is what the nodes above forward; the DSL's own types saw to that.
      process: (record) => (step as Step)(record as StreamRecord<never, never>, forward),
    };
  };
}

export const passThrough = (): Supplier => stateless((record, forward) => forward(record));

export const filterStep = <K, V>(keeps: Predicate<K, V>, not: boolean): Supplier =>
  stateless<K, V>((record, forward) => {
    if (keeps(record.key, record.value) !== not) forward(record);
  });

export const mapStep = <K, V, K2, V2>(map: (key: K, value: V) => KeyValue<K2, V2>): Supplier =>
  stateless<K, V>((record, forward) => {
    const [key, value] = map(record.key, record.value);
    forward({ ...record, key, value });
  });

export const mapValuesStep = <K, V, V2>(map: (value: V, key: K) => V2): Supplier =>
  stateless<K, V>((record, forward) => forward({ ...record, value: map(record.value, record.key) }));

export const flatMapStep = <K, V, K2, V2>(map: (key: K, value: V) => Iterable<KeyValue<K2, V2>>): Supplier =>
  stateless<K, V>((record, forward) => {
    for (const [key, value] of map(record.key, record.value)) forward({ ...record, key, value });
  });

export const flatMapValuesStep = <K, V, V2>(map: (value: V, key: K) => Iterable<V2>): Supplier =>
  stateless<K, V>((record, forward) => {
    for (const value of map(record.value, record.key)) forward({ ...record, value });
  });

export const selectKeyStep = <K, V, K2>(select: (key: K, value: V) => K2): Supplier =>
  stateless<K, V>((record, forward) => forward({ ...record, key: select(record.key, record.value) }));

/** With `last` nothing goes on: foreach. */
export const peekStep = <K, V>(look: (key: K, value: V) => void, last: boolean): Supplier =>
  stateless<K, V>((record, forward) => {
    look(record.key, record.value);
    if (!last) forward(record);
  });

/** To the first branch that takes it; to nobody when none does. */
export const branchStep = <K, V>(branches: readonly { name: string; takes: Predicate<K, V> }[]): Supplier =>
  stateless<K, V>((record, forward) => {
    const branch = branches.find(({ takes }) => takes(record.key, record.value));
    if (branch) forward(record, branch.name);
  });
