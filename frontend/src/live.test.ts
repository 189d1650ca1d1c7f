import { expect, it } from 'vitest';

import { rangeOfLength } from '../test/grafana';
import { intervalOf, pathOf, rangeOf } from './live';

it('a channel is named by interval, range and the digest of the query', () => {
  // printf %s '{"refId":"A","expr":"up"}' | sha256sum
  const digest = '6729a45a9dba1ab49d61517f1e979e7d4b7d9b84e140ca96e3135b5f270cf307';
  expect(pathOf(5_000, 3_600_000, '{"refId":"A","expr":"up"}')).toBe(`live/5000/3600000/${digest}`);
});

it('a channel is as short as Grafana wants it, and of its characters', () => {
  const uid = 'u'.repeat(40);
  const channel = `ds/${uid}/${pathOf(3_600_000, 365 * 86_400_000, 'ä'.repeat(10_000))}`;
  expect(channel.length).toBeLessThanOrEqual(160);
  expect(channel).toMatch(/^[A-Za-z0-9_\-/=.]+$/);
});

it('an interval that is no time is the default, and a short one the shortest', () => {
  const intervals = [undefined, Number.NaN, 10, 2_500.4].map((liveIntervalMs) =>
    intervalOf({ refId: 'A', ...(liveIntervalMs !== undefined && { liveIntervalMs }) }),
  );
  expect(intervals).toEqual([5_000, 5_000, 1_000, 2_500]);
});

it("a range's length does not depend on how long reading the clock took", () => {
  const lengths = [3_600_001, 3_599_999, 0].map((length) => rangeOf(rangeOfLength(length)));
  expect(lengths).toEqual([3_600_000, 3_600_000, 1_000]);
});
