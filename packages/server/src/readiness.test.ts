import { expect, test } from 'vitest';
import { Readiness } from './readiness.ts';

test('a process is ready once nothing stands in the way, and stays so', () => {
  const readiness = new Readiness();
  let registry: string | undefined = 'the registry is away';
  let stores: string | undefined = 'no store answers';
  readiness.add(() => registry);
  readiness.add(() => stores);
  expect(readiness.reason).toBe('the registry is away; no store answers');
  registry = undefined;
  expect(readiness.reason).toBe('no store answers');
  stores = undefined;
  expect(readiness.reason).toBeUndefined();
  stores = 'no store answers';
  expect(readiness.reason).toBeUndefined();
});
