import { expect, test } from 'vitest';
import { oncePerDevice } from './mounts.ts';

const mount = (device: string, mountpoint: string) => ({ metric: { device, mountpoint } });
const paths = (items: readonly { metric: { mountpoint: string } }[]) => items.map((item) => item.metric.mountpoint);

test("of a device's mounts the one with the shortest path stands for it", () => {
  const items = [mount('/dev/a', '/etc/hosts'), mount('/dev/a', '/'), mount('/dev/b', '/srv'), mount('/dev/a', '/etc')];
  expect(paths(oncePerDevice(items))).toEqual(['/', '/srv']);
});

test('equally long paths are decided by name, whatever their order', () => {
  expect(paths(oncePerDevice([mount('/dev/a', '/b'), mount('/dev/a', '/a')]))).toEqual(['/a']);
  expect(paths(oncePerDevice([mount('/dev/a', '/a'), mount('/dev/a', '/b')]))).toEqual(['/a']);
});
